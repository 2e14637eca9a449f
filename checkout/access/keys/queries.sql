-- name: keys_page
-- Caller: GET api-keys, planned for its values. By primary key, or api_keys_account for one account; before $2, at most $3 rows.
SELECT id, account_id, name, prefix, permissions, version, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE ($1::uuid IS NULL OR account_id = $1) AND id < $2 ORDER BY id DESC LIMIT $3

-- name: key
-- Caller: GET api-key. By primary key; of account $2 only, when it is given.
SELECT id, account_id, name, prefix, permissions, version, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE id = $1 AND ($2::uuid IS NULL OR account_id = $2)

-- name: lock_key
-- Caller: PUT and DELETE api-key, first. By primary key; of account $2 only, when it is given. Locks the row.
SELECT id, name, permissions, version, expires_at, revoked_at
FROM api_keys WHERE id = $1 AND ($2::uuid IS NULL OR account_id = $2) FOR UPDATE

-- name: add_key
-- Caller: POST api-keys, in its transaction. One row.
INSERT INTO api_keys (id, account_id, name, prefix, digest, permissions, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id, account_id, name, prefix, permissions, version, created_at, expires_at, revoked_at, last_used_at

-- name: change_key
-- Caller: PUT api-key, with the row locked. By primary key.
UPDATE api_keys SET name = $2, permissions = $3, expires_at = $4, version = version + 1 WHERE id = $1
RETURNING id, account_id, name, prefix, permissions, version, created_at, expires_at, revoked_at, last_used_at

-- name: revoke_key
-- Caller: DELETE api-key, with the row locked. By primary key.
UPDATE api_keys SET revoked_at = now(), version = version + 1 WHERE id = $1
