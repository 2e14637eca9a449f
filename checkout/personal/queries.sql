-- Each table with personal data: a page of it, the rows of a page that are to be sealed, and their seals. All by primary key.

-- name: by_key
-- Caller: PersonalStore.by_key, for people. Index: none, each table is read whole. Locks: none. Rows: a table's keys; -1 is plain.
SELECT t.name, CASE WHEN t.head IS NULL THEN -1 ELSE get_byte(t.head, 0) * 256 + get_byte(t.head, 1) END AS key, sum(t.rows)::bigint AS rows
FROM (
    SELECT 'accounts' AS name, substring(personal FROM 1 FOR 2) AS head, count(*) AS rows FROM accounts GROUP BY 1, 2
    UNION ALL SELECT 'addresses', substring(personal FROM 1 FOR 2), count(*) FROM addresses GROUP BY 1, 2
    UNION ALL SELECT 'second_factors', substring(personal FROM 1 FOR 2), count(*) FROM second_factors GROUP BY 1, 2
    UNION ALL SELECT 'account_requests', substring(personal FROM 1 FOR 2), count(*) FROM account_requests GROUP BY 1, 2
) t GROUP BY 1, 2 ORDER BY 1, 2

-- name: accounts_page
-- Caller: PersonalStore.page. Index: accounts pkey. Locks: none. Rows: at most $2 after id $1.
SELECT id, personal FROM accounts WHERE id > $1 ORDER BY id LIMIT $2

-- name: accounts_lock
-- Caller: PersonalStore.reseal. Index: accounts pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, email, profile FROM accounts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: accounts_seal
-- Caller: PersonalStore.reseal. Index: accounts pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE accounts a SET personal = n.personal, email_index = coalesce(n.email_index, a.email_index), email = NULL, profile = '{}'
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n (id, personal, email_index) WHERE a.id = n.id

-- name: addresses_page
-- Caller: PersonalStore.page. Index: addresses pkey. Locks: none. Rows: at most $2 after id $1.
SELECT id, personal FROM addresses WHERE id > $1 ORDER BY id LIMIT $2

-- name: addresses_lock
-- Caller: PersonalStore.reseal. Index: addresses pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, document FROM addresses WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: addresses_seal
-- Caller: PersonalStore.reseal. Index: addresses pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE addresses a SET personal = n.personal, document = NULL
FROM unnest($1::uuid[], $2::bytea[]) AS n (id, personal) WHERE a.id = n.id

-- name: second_factors_page
-- Caller: PersonalStore.page. Index: second_factors pkey. Locks: none. Rows: at most $2 after id $1.
SELECT account_id AS id, personal FROM second_factors WHERE account_id > $1 ORDER BY account_id LIMIT $2

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
SELECT id, personal FROM account_requests WHERE id > $1 ORDER BY id LIMIT $2

-- name: account_requests_lock
-- Caller: PersonalStore.reseal. Index: account_requests pkey. Locks: those of the rows $1 that nobody else holds. Rows: a batch.
SELECT id, personal, email, document FROM account_requests WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: account_requests_seal
-- Caller: PersonalStore.reseal. Index: account_requests pkey. Locks: the rows, locked before. Rows: a batch.
UPDATE account_requests r SET personal = n.personal, email_index = coalesce(n.email_index, r.email_index), email = NULL, document = '{}'
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n (id, personal, email_index) WHERE r.id = n.id
