-- name: get_cart
-- Caller: Carts, when the gate does not have the cart. One row by primary key.
SELECT version, document FROM carts WHERE id = $1

-- name: lock_cart
-- Caller: CartStore.change, while the gate is away. One row by primary key, locked.
SELECT version, document FROM carts WHERE id = $1 FOR NO KEY UPDATE

-- name: lock_carts
-- Caller: CartStore.claiming, while the gate is away. At most two rows by primary key, locked in id order.
SELECT id, document FROM carts WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE

-- name: point
-- Caller: CartStore.claiming. By account_carts pkey; locks the row, so that an account's claims come one after the other. $3
-- becomes its open cart in this currency unless there is one. No row: there is no such account.
INSERT INTO account_carts (account_id, currency, cart_id)
SELECT id, $2, $3 FROM accounts WHERE id = $1 AND disabled_at IS NULL
ON CONFLICT (account_id, currency) DO UPDATE SET cart_id = account_carts.cart_id
RETURNING cart_id

-- name: point_elsewhere
-- Caller: CartStore.claiming, when the open cart is no more. By account_carts pkey, locked before.
UPDATE account_carts SET cart_id = $3 WHERE account_id = $1 AND currency = $2

-- name: keep_carts
-- Caller: Persister and CartStore.change. At most CART_PERSIST_BATCH rows, locked in id order; only newer versions win.
INSERT INTO carts (id, version, account_id, currency, document, status)
SELECT id, version, account_id, currency, document::json, status
FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[])
    AS c (id, version, account_id, currency, document, status)
ORDER BY id
ON CONFLICT (id) DO UPDATE
SET version = excluded.version, account_id = excluded.account_id, document = excluded.document,
    status = excluded.status, updated_at = now()
WHERE carts.version < excluded.version

-- name: forget_carts
-- Caller: CartStore.forget_old, once an hour by the relay. One scan; at most $2 rows are deleted.
DELETE FROM carts
WHERE id IN (SELECT id FROM carts WHERE updated_at < now() - make_interval(secs => $1) LIMIT $2)
RETURNING 1
