-- Accounts and their refresh tokens.

-- name: account_by_email
-- Caller: store.AccountStore.by_email. Index: accounts_email. Locks: none. Rows: 0 or 1.
SELECT id, password_hash, role, disabled_at IS NOT NULL AS disabled FROM accounts WHERE lower(email) = $1

-- name: add_account
-- Caller: first_admin.ensure_admin. Index: accounts_email. Locks: the new row. Rows: 0 (the address is taken) or 1.
INSERT INTO accounts (id, email, password_hash, role) VALUES ($1, $2, $3, $4)
ON CONFLICT (lower(email)) DO NOTHING
RETURNING id

-- name: any_admin
-- Caller: first_admin.ensure_admin. Index: none (a handful of rows). Locks: none. Rows: 1.
SELECT EXISTS (SELECT 1 FROM accounts WHERE role = 'admin' AND disabled_at IS NULL) AS found

-- name: add_refresh_token
-- Caller: store.AccountStore.begin_session. Index: refresh_tokens pkey. Locks: the new row. Rows: 1.
INSERT INTO refresh_tokens (digest, account_id, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))

-- name: take_refresh_token
-- Caller: store.AccountStore.take. Index: refresh_tokens pkey. Locks: the row, deleted: a token works once. Rows: 0 or 1.
WITH taken AS (
    DELETE FROM refresh_tokens WHERE digest = $1 RETURNING account_id, expires_at
)
SELECT a.id, a.password_hash, a.role, a.disabled_at IS NOT NULL AS disabled
FROM taken t JOIN accounts a ON a.id = t.account_id
WHERE t.expires_at > now()

-- name: end_sessions
-- Caller: store.AccountStore.end_sessions. Index: none, a scan of the live sessions; rare. Locks: the rows deleted.
-- Rows: the account's sessions.
DELETE FROM refresh_tokens WHERE account_id = $1
