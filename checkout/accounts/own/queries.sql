-- What one account has. Every query names the account: nothing of another one is ever found.

-- name: me
-- Caller: OwnStore.me. Index: accounts pkey, second_factors pkey. Locks: none. Rows: 0 or 1.
SELECT a.id, a.personal, a.email, a.role, a.profile, a.consents, a.created_at, a.verified_at, a.version,
       EXISTS (SELECT FROM second_factors f WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL) AS second_factor
FROM accounts a WHERE a.id = $1 AND a.disabled_at IS NULL

-- name: lock_me
-- Caller: OwnStore, before every change of what the account has. Index: accounts pkey. Locks: the row. Rows: 0 or 1.
SELECT id, personal, email, role, profile, consents, version FROM accounts WHERE id = $1 AND disabled_at IS NULL FOR NO KEY UPDATE

-- name: set_me
-- Caller: OwnStore.change. Index: accounts pkey. Locks: the row, locked before. Rows: 1.
UPDATE accounts SET personal = $2, email_index = $3, email = NULL, profile = '{}', consents = $4::json, version = version + 1
WHERE id = $1

-- name: addresses
-- Caller: OwnStore.addresses, export. Index: addresses_account. Locks: none. Rows: at most ADDRESSES_MAX.
SELECT id, personal, document, is_default, version, created_at FROM addresses WHERE account_id = $1 ORDER BY id

-- name: address
-- Caller: OwnStore, also under the account's lock. Index: addresses pkey. Locks: none. Rows: 0 or 1.
SELECT id, personal, document, is_default, version, created_at FROM addresses WHERE account_id = $1 AND id = $2

-- name: count_addresses
-- Caller: OwnStore.add_address, under the account's lock. Index: addresses_account. Locks: none. Rows: 1.
SELECT count(*) FROM addresses WHERE account_id = $1

-- name: no_default
-- Caller: OwnStore, before another address becomes the default, under the account's lock. Index: addresses_one_default.
-- Locks: the row. Rows: 0 or 1.
UPDATE addresses SET is_default = false, version = version + 1 WHERE account_id = $1 AND is_default AND id <> $2

-- name: add_address
-- Caller: OwnStore.add_address. Index: addresses pkey. Locks: the new row. Rows: 1.
INSERT INTO addresses (id, account_id, personal, is_default) VALUES ($1, $2, $3, $4)

-- name: set_address
-- Caller: OwnStore.set_address, under the account's lock. Index: addresses pkey. Locks: the row. Rows: 1.
UPDATE addresses SET personal = $3, document = NULL, is_default = $4, version = version + 1 WHERE account_id = $1 AND id = $2

-- name: drop_address
-- Caller: OwnStore.drop_address, under the account's lock. Index: addresses pkey. Locks: the row deleted. Rows: 0 or 1.
DELETE FROM addresses WHERE account_id = $1 AND id = $2

-- name: orders
-- Caller: OwnStore.orders, newest first after the cursor $2, at most $3. Index: orders_account. Locks: none.
SELECT id, number, status, currency, total_minor, document, placed_at FROM orders
WHERE account_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3

-- name: order
-- Caller: OwnStore.order. Index: orders pkey. Locks: none. Rows: 0 or 1.
SELECT id, currency, country, document FROM orders WHERE id = $2 AND account_id = $1

-- name: open_carts
-- Caller: OwnStore.carts. Index: account_carts pkey. Locks: none. Rows: one a currency.
SELECT currency, cart_id FROM account_carts WHERE account_id = $1 ORDER BY currency

-- name: held_orders
-- Caller: OwnStore.export, page by page, after the cursor $2, at most $3. Index: orders_account, the primary keys of what hangs on an
-- order. Locks: none.
SELECT o.id, o.number, o.status, o.personal, o.email, o.country, o.currency, o.total_minor, o.document, o.payment_provider, o.payment_method,
       o.placed_at, o.paid_at, o.cancelled_at,
       (SELECT coalesce(json_agg(json_build_object('attempt', p.attempt, 'status', p.status, 'method', p.method, 'at', p.created_at)
                                 ORDER BY p.attempt), '[]') FROM payments p WHERE p.order_id = o.id) AS payments,
       (SELECT coalesce(json_agg(json_build_object('carrier', s.carrier, 'tracking_number', s.tracking_number, 'at', s.booked_at)),
                        '[]') FROM shipments s WHERE s.order_id = o.id) AS shipments,
       (SELECT coalesce(json_agg(json_build_object('kind', n.kind, 'channel', n.channel, 'at', n.sent_at)), '[]')
        FROM notifications_sent n WHERE n.order_id = o.id) AS notifications,
       (SELECT i.series || '-' || lpad(i.number::text, 6, '0') FROM invoices i WHERE i.order_id = o.id) AS invoice
FROM orders o WHERE o.account_id = $1 AND ($2::uuid IS NULL OR o.id > $2) ORDER BY o.id LIMIT $3

-- name: held_carts
-- Caller: OwnStore.export, erase. Index: carts_account. Locks: none. Rows: the account's carts of CART_MEMORY_S.
SELECT id, currency, status, document, updated_at FROM carts WHERE account_id = $1 ORDER BY id

-- name: held_sessions
-- Caller: OwnStore.export. Index: sessions_account. Locks: none. Rows: the account's sessions.
SELECT created_at, renewed_at, expires_at FROM sessions WHERE account_id = $1 ORDER BY created_at

-- name: held_requests
-- Caller: OwnStore.export. Index: account_requests_email_index, account_requests_email. Locks: none. Rows: an address's requests that have not expired.
SELECT kind, created_at, expires_at FROM account_requests WHERE email_index = $1 OR lower(email) = $2 ORDER BY created_at

-- name: held_log
-- Caller: OwnStore.export. Index: none; rare. Locks: none. Rows: at most $2, what admins did to this account and it did itself.
SELECT at, action, subject FROM audit_log WHERE subject = $1 OR actor = $1 ORDER BY id DESC LIMIT $2

-- name: drop_carts
-- Caller: OwnStore.erase. Index: carts_account. Locks: the rows deleted. Rows: the account's carts.
DELETE FROM carts WHERE account_id = $1

-- name: drop_asked
-- Caller: OwnStore.erase. Index: account_requests_email_index, account_requests_email. Locks: the rows deleted. Rows: the address's requests.
DELETE FROM account_requests WHERE email_index = $1 OR lower(email) = $2

-- name: note_erased
-- Caller: OwnStore.erase. Index: erased_accounts pkey. Locks: the new row. Rows: 1.
INSERT INTO erased_accounts (account_id) VALUES ($1)

-- name: drop_account
-- Caller: OwnStore.erase, under the account's lock. Index: accounts pkey; its addresses, sessions, second factor and pointers to carts
-- go with it. Locks: the rows deleted. Rows: 1.
DELETE FROM accounts WHERE id = $1

-- name: blank_orders
-- Caller: OwnStore.erase ($1 its account) and blank_due ($1 null). Orders that were never paid at once, the others, their invoices and
-- labels $2 s after they were placed. Index: orders_account, invoices_order_id_key, shipments_order_id_key. Locks: those rows, at most
-- $3 orders. What is bought, what it cost and where it is taxed stays: the ledger and the invoice numbers need it.
WITH due AS (
    SELECT o.id FROM erased_accounts e JOIN orders o ON o.account_id = e.account_id
    WHERE ($1::uuid IS NULL OR e.account_id = $1) AND o.erased_at IS NULL
      AND (o.status = 'cancelled' OR o.placed_at < now() - make_interval(secs => $2))
    ORDER BY o.id LIMIT $3 FOR NO KEY UPDATE OF o
), pages AS (
    UPDATE invoices SET pdf = '', personal = NULL, document = (document::jsonb || '{"buyer": null, "email": null}')::json
    WHERE order_id IN (SELECT id FROM due)
), labels AS (
    UPDATE shipments SET label_pdf = NULL, personal = NULL WHERE order_id IN (SELECT id FROM due)
)
UPDATE orders SET email = 'erased@erased.invalid', personal = NULL, email_index = NULL, erased_at = now(),
    document = (document::jsonb || '{"shipping_address": null, "billing_address": null}')::json
WHERE id IN (SELECT id FROM due)
