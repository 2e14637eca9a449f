-- name: get_cart
-- Caller: Carts, when the gate does not have the cart. One row by primary key.
SELECT version, document FROM carts WHERE id = $1

-- name: lock_cart
-- Caller: CartStore.change, while the gate is away. One row by primary key, locked.
SELECT version, document FROM carts WHERE id = $1 FOR NO KEY UPDATE

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
