-- Each table with personal data: a page of it, the rows of a page that are to be sealed, and their seals. All by primary key.

-- name: by_key
-- Caller: PersonalStore.by_key, for people. Index: none, each table is read whole. Locks: none. Rows: a table's keys; -1 is plain.
SELECT t.name, CASE WHEN t.head IS NULL THEN -1 ELSE get_byte(t.head, 0) * 256 + get_byte(t.head, 1) END AS key, sum(t.rows)::bigint AS rows
FROM (
    SELECT 'accounts' AS name, substring(personal FROM 1 FOR 2) AS head, count(*) AS rows FROM accounts GROUP BY 1, 2
    UNION ALL SELECT 'addresses', substring(personal FROM 1 FOR 2), count(*) FROM addresses GROUP BY 1, 2
    UNION ALL SELECT 'second_factors', substring(personal FROM 1 FOR 2), count(*) FROM second_factors GROUP BY 1, 2
    UNION ALL SELECT 'account_requests', substring(personal FROM 1 FOR 2), count(*) FROM account_requests GROUP BY 1, 2
    UNION ALL SELECT 'orders', substring(personal FROM 1 FOR 2), count(*) FROM orders WHERE erased_at IS NULL GROUP BY 1, 2
    UNION ALL SELECT 'invoices', substring(personal FROM 1 FOR 2), count(*) FROM invoices
              WHERE personal IS NOT NULL OR pdf <> '' GROUP BY 1, 2
    UNION ALL SELECT 'shipments', substring(personal FROM 1 FOR 2), count(*) FROM shipments
              WHERE personal IS NOT NULL OR label_pdf IS NOT NULL GROUP BY 1, 2
    UNION ALL SELECT 'carts', CASE WHEN addr NOT LIKE '{%' THEN substring(decode(addr, 'base64') FROM 1 FOR 2) END, count(*)
              FROM (SELECT document ->> 'addr' AS addr FROM carts) c WHERE addr IS NOT NULL GROUP BY 1, 2
    UNION ALL SELECT 'webhook_inbox', substring(personal FROM 1 FOR 2), count(*) FROM webhook_inbox GROUP BY 1, 2
) t GROUP BY 1, 2 ORDER BY 1, 2

-- name: accounts_page
-- Caller: PersonalStore.page. Index: accounts pkey. Locks: none. Rows: at most $2 after id $1.
SELECT id, substring(personal FROM 1 FOR 2) AS personal FROM accounts WHERE id > $1 ORDER BY id LIMIT $2

-- name: accounts_lock
-- Caller: PersonalStore.reseal. Index: accounts pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, email, profile FROM accounts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: accounts_seal
-- Caller: PersonalStore.reseal. Index: accounts pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE accounts a SET personal = n.personal, email_index = coalesce(n.email_index, a.email_index), email = NULL, profile = '{}'
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n (id, personal, email_index) WHERE a.id = n.id

-- name: addresses_page
-- Caller: PersonalStore.page. Index: addresses pkey. Locks: none. Rows: at most $2 after id $1.
SELECT id, substring(personal FROM 1 FOR 2) AS personal FROM addresses WHERE id > $1 ORDER BY id LIMIT $2

-- name: addresses_lock
-- Caller: PersonalStore.reseal. Index: addresses pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, document FROM addresses WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: addresses_seal
-- Caller: PersonalStore.reseal. Index: addresses pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE addresses a SET personal = n.personal, document = NULL
FROM unnest($1::uuid[], $2::bytea[]) AS n (id, personal) WHERE a.id = n.id

-- name: second_factors_page
-- Caller: PersonalStore.page. Index: second_factors pkey. Locks: none. Rows: at most $2 after id $1.
SELECT account_id AS id, substring(personal FROM 1 FOR 2) AS personal FROM second_factors WHERE account_id > $1 ORDER BY account_id LIMIT $2

-- name: second_factors_lock
-- Caller: PersonalStore.reseal. Index: second_factors pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT account_id AS id, personal, secret FROM second_factors WHERE account_id = ANY ($1::uuid[]) ORDER BY account_id
FOR NO KEY UPDATE SKIP LOCKED

-- name: second_factors_seal
-- Caller: PersonalStore.reseal. Index: second_factors pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE second_factors f SET personal = n.personal, secret = NULL
FROM unnest($1::uuid[], $2::bytea[]) AS n (id, personal) WHERE f.account_id = n.id

-- name: account_requests_page
-- Caller: PersonalStore.page. Index: account_requests pkey. Locks: none. Rows: at most $2 after id $1.
SELECT id, substring(personal FROM 1 FOR 2) AS personal FROM account_requests WHERE id > $1 ORDER BY id LIMIT $2

-- name: account_requests_lock
-- Caller: PersonalStore.reseal. Index: account_requests pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, email, document FROM account_requests WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: account_requests_seal
-- Caller: PersonalStore.reseal. Index: account_requests pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE account_requests r SET personal = n.personal, email_index = coalesce(n.email_index, r.email_index), email = NULL, document = '{}'
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n (id, personal, email_index) WHERE r.id = n.id

-- name: archived_by_key
-- Caller: PersonalStore.by_key. Index: none, each archived month is read whole. Locks: none. Rows: keys by month; -1 is plain.
SELECT key, sum(orders)::bigint AS rows FROM archived_by_key() GROUP BY 1

-- name: orders_page
-- Caller: PersonalStore.page. Index: orders pkey, month by month. Locks: none. Rows: at most $2 after id $1; none that was erased.
SELECT id, substring(personal FROM 1 FOR 2) AS personal FROM orders WHERE id > $1 AND erased_at IS NULL ORDER BY id LIMIT $2

-- name: orders_lock
-- Caller: PersonalStore.reseal. Index: orders pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, email, document FROM orders WHERE id = ANY ($1::uuid[]) AND erased_at IS NULL ORDER BY id
FOR NO KEY UPDATE SKIP LOCKED

-- name: orders_seal
-- Caller: PersonalStore.reseal. Index: orders pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE orders o SET personal = n.personal, email_index = coalesce(n.email_index, o.email_index), email = NULL,
       document = coalesce(n.rest::json, o.document)
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::text[]) AS n (id, personal, email_index, rest) WHERE o.id = n.id

-- name: invoices_page
-- Caller: PersonalStore.page. Index: invoices pkey. Locks: none. Rows: at most $2 after id $1; none that was blanked.
SELECT id, substring(personal FROM 1 FOR 2) AS personal FROM invoices WHERE id > $1 AND (personal IS NOT NULL OR pdf <> '')
ORDER BY id LIMIT $2

-- name: invoices_lock
-- Caller: PersonalStore.reseal. Index: invoices pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, document, pdf FROM invoices WHERE id = ANY ($1::uuid[]) AND (personal IS NOT NULL OR pdf <> '')
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: invoices_seal
-- Caller: PersonalStore.reseal. Index: invoices pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE invoices i SET personal = n.personal, pdf = '', document = coalesce(n.rest::json, i.document)
FROM unnest($1::uuid[], $2::bytea[], $3::text[]) AS n (id, personal, rest) WHERE i.id = n.id

-- name: shipments_page
-- Caller: PersonalStore.page. Index: shipments pkey. Locks: none. Rows: at most $2 after id $1 that have a label.
SELECT id, substring(personal FROM 1 FOR 2) AS personal FROM shipments
WHERE id > $1 AND (personal IS NOT NULL OR label_pdf IS NOT NULL) ORDER BY id LIMIT $2

-- name: shipments_lock
-- Caller: PersonalStore.reseal. Index: shipments pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, label_pdf FROM shipments WHERE id = ANY ($1::uuid[]) AND (personal IS NOT NULL OR label_pdf IS NOT NULL)
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: shipments_seal
-- Caller: PersonalStore.reseal. Index: shipments pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE shipments s SET personal = n.personal, label_pdf = NULL
FROM unnest($1::uuid[], $2::bytea[]) AS n (id, personal) WHERE s.id = n.id

-- name: webhook_inbox_page
-- Caller: PersonalStore.page. Index: webhook_inbox pkey. Locks: none. Rows: at most $2 after id $1.
SELECT id, substring(personal FROM 1 FOR 2) AS personal FROM webhook_inbox WHERE id > $1 ORDER BY id LIMIT $2

-- name: webhook_inbox_lock
-- Caller: PersonalStore.reseal. Index: webhook_inbox pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, payload FROM webhook_inbox WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: webhook_inbox_seal
-- Caller: PersonalStore.reseal. Index: webhook_inbox pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE webhook_inbox w SET personal = n.personal, payload = NULL
FROM unnest($1::uuid[], $2::bytea[]) AS n (id, personal) WHERE w.id = n.id

-- name: carts_page
-- Caller: PersonalStore.page. Index: carts pkey. Locks: none. Rows: at most $2 after id $1 that have an address.
SELECT id, CASE WHEN addr NOT LIKE '{%' THEN substring(decode(addr, 'base64') FROM 1 FOR 2) END AS personal
FROM (SELECT id, document ->> 'addr' AS addr FROM carts WHERE id > $1) c WHERE addr IS NOT NULL ORDER BY id LIMIT $2

-- name: carts_lock
-- Caller: PersonalStore.reseal_carts. Index: carts pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, document ->> 'addr' AS addr FROM carts WHERE id = ANY ($1::text[]) AND document ->> 'addr' IS NOT NULL ORDER BY id
FOR NO KEY UPDATE SKIP LOCKED

-- name: carts_seal
-- Caller: PersonalStore.reseal_carts. Index: carts pkey. Locks: the rows, locked before. Rows: a batch. Their versions stay.
UPDATE carts c SET document = (c.document::jsonb || jsonb_build_object('addr', n.addr))::json
FROM unnest($1::text[], $2::text[]) AS n (id, addr) WHERE c.id = n.id
