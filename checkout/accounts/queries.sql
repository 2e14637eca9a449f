-- Accounts: signing in, sessions, the second factor, and what is settled by mail. What a person has is in own.sql.

-- name: account_by_email
-- Caller: AccountStore.by_email. Index: accounts_email_index or accounts_email, second_factors pkey. Locks: none. Rows: 0 or 1.
SELECT a.id, a.personal, a.email, a.password_hash, a.role, a.disabled_at IS NOT NULL AS disabled,
       a.verified_at IS NOT NULL AS verified, f.secret, f.personal AS sealed_secret
FROM accounts a LEFT JOIN second_factors f ON f.account_id = a.id AND f.confirmed_at IS NOT NULL
WHERE a.email_index = $1 OR lower(a.email) = $2

-- name: account_by_id
-- Caller: AccountStore.by_id. Index: accounts pkey, second_factors pkey. Locks: none. Rows: 0 or 1.
SELECT a.id, a.personal, a.email, a.password_hash, a.role, a.disabled_at IS NOT NULL AS disabled,
       a.verified_at IS NOT NULL AS verified, f.secret, f.personal AS sealed_secret
FROM accounts a LEFT JOIN second_factors f ON f.account_id = a.id AND f.confirmed_at IS NOT NULL
WHERE a.id = $1

-- name: add_account
-- Caller: first_admin.ensure_admin. Index: accounts_email_index, accounts_email. Locks: the new row. Rows: 0 (the address is taken)
-- or 1.
INSERT INTO accounts (id, personal, email_index, password_hash, role)
SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM accounts WHERE lower(email) = $6)
ON CONFLICT (email_index) DO NOTHING
RETURNING id

-- name: any_admin
-- Caller: first_admin.ensure_admin. Index: none (a handful of rows). Locks: none. Rows: 1.
SELECT EXISTS (SELECT 1 FROM accounts WHERE role = 'admin' AND disabled_at IS NULL) AS found

-- name: rehash
-- Caller: AccountStore.begin_session, when the hash's parameters have changed. Index: accounts pkey. Locks: the row. Rows: 0 or 1.
UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2

-- name: begin_session
-- Caller: AccountStore.begin_session. Index: accounts pkey. Locks: the account's row, shared: whoever changes its password, role or
-- standing goes before (then there is no row) or after (then this session is among those that end). Rows: 0 or 1.
WITH who AS (
    SELECT id FROM accounts WHERE id = $2 AND password_hash = $3 AND role = $4 AND disabled_at IS NULL FOR SHARE
)
INSERT INTO sessions (id, account_id, access_until, expires_at)
SELECT $1, id, now() + make_interval(secs => $5), now() + make_interval(secs => $6) FROM who
RETURNING id

-- name: renew_session
-- Caller: AccountStore.renew. Index: sessions pkey, accounts pkey. Locks: the session's row. Rows: 0 or 1.
UPDATE sessions s
SET generation = s.generation + 1, renewed_at = now(), access_until = now() + make_interval(secs => $3),
    expires_at = now() + make_interval(secs => $4)
FROM accounts a
WHERE s.id = $1 AND s.generation = $2 AND s.expires_at > now() AND a.id = s.account_id AND a.disabled_at IS NULL
RETURNING s.account_id, a.role

-- name: end_reused
-- Caller: AccountStore.renew, after a token that did not renew: one that has been used before ends its session.
-- Index: sessions pkey. Locks: the row deleted. Rows: 0 or 1.
DELETE FROM sessions WHERE id = $1 AND generation > $2 RETURNING account_id

-- name: end_session
-- Caller: AccountStore.end_session. Index: sessions pkey. Locks: the row deleted. Rows: 0 or 1.
DELETE FROM sessions WHERE id = $1 AND account_id = $2

-- name: end_sessions
-- Caller: AccountStore, signing out everywhere and changed passwords; $2 is spared. Index: sessions_account. Locks: the rows deleted.
-- Rows: the account's sessions.
DELETE FROM sessions WHERE account_id = $1 AND id IS DISTINCT FROM $2::uuid

-- name: ended_sessions
-- Caller: AccountStore.ended, by each server that begins to listen. Index: none. Locks: none. Rows: sessions ended within
-- ACCESS_TOKEN_TTL_S.
SELECT session_id FROM ended_sessions WHERE until > now()

-- name: claim_orders
-- Caller: AccountStore, at a sign-in and a verification, for a proven address only. Index: orders_email_index, orders_email. Locks: the
-- guest's orders.
-- Rows: the guest orders of one address.
UPDATE orders SET account_id = $1 WHERE (email_index = $2 OR lower(email) = $3) AND account_id IS NULL

-- name: ask
-- Caller: AccountStore.ask. Index: pkey. Locks: the new row. Rows: 1.
INSERT INTO account_requests (id, kind, personal, email_index, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))

-- name: request
-- Caller: AccountStore.asked. Index: account_requests pkey. Locks: none. Rows: 0 or 1.
SELECT id, personal, email FROM account_requests WHERE id = $1 AND kind = $2 AND expires_at > now()

-- name: take_request
-- Caller: AccountStore.register, reset_password. Index: account_requests pkey. Locks: the row, deleted: a link works once.
-- Rows: 0 or 1.
DELETE FROM account_requests WHERE id = $1 AND kind = $2 AND expires_at > now() RETURNING id, personal, email, document

-- name: drop_requests
-- Caller: AccountStore.register, reset_password, change_password. Index: account_requests_email_index, account_requests_email.
-- Locks: the rows deleted. Rows: an address's requests of these kinds.
DELETE FROM account_requests WHERE (email_index = $1 OR lower(email) = $2) AND kind = ANY ($3::text[])

-- name: add_shopper
-- Caller: AccountStore.register. Index: accounts_email_index, accounts_email. Locks: the new row. Rows: 0 (another link was faster)
-- or 1.
INSERT INTO accounts (id, personal, email_index, password_hash, role, consents, verified_at)
SELECT $1, $2, $3, $4, 'customer', $5::json, now() WHERE NOT EXISTS (SELECT FROM accounts WHERE lower(email) = $6)
ON CONFLICT (email_index) DO NOTHING
RETURNING id

-- name: set_password
-- Caller: AccountStore.change_password. Index: accounts pkey. Locks: the row. Rows: 0 (changed meanwhile) or 1.
UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL RETURNING id

-- name: reset_password
-- Caller: AccountStore.reset_password. Index: accounts_email_index or accounts_email. Locks: the row. Rows: 0 or 1. The link proved the address.
UPDATE accounts SET password_hash = $3, verified_at = coalesce(verified_at, now())
WHERE (email_index = $1 OR lower(email) = $2) AND disabled_at IS NULL
RETURNING id

-- name: enrol
-- Caller: AccountStore.enrol. Index: second_factors pkey. Locks: the row. Rows: 0 (one is in force) or 1.
INSERT INTO second_factors (account_id, personal) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET personal = excluded.personal, secret = NULL, last_step = 0
WHERE second_factors.confirmed_at IS NULL
RETURNING account_id

-- name: enrolled
-- Caller: AccountStore.enrolled. Index: second_factors pkey. Locks: none. Rows: 0 or 1.
SELECT secret, personal AS sealed_secret FROM second_factors WHERE account_id = $1 AND confirmed_at IS NULL

-- name: lock_enrolled
-- Caller: AccountStore.confirm_factor, first. Index: second_factors pkey. Locks: the row. Rows: 0 or 1.
SELECT secret, personal AS sealed_secret FROM second_factors WHERE account_id = $1 AND confirmed_at IS NULL FOR NO KEY UPDATE

-- name: confirm_factor
-- Caller: AccountStore.confirm_factor. Index: second_factors pkey. Locks: the row, locked before. Rows: 1.
UPDATE second_factors SET confirmed_at = now(), last_step = $2, recovery = $3 WHERE account_id = $1

-- name: drop_factor
-- Caller: AccountStore.drop_factor. Index: second_factors pkey. Locks: the row deleted. Rows: 0 or 1.
DELETE FROM second_factors WHERE account_id = $1

-- name: use_code
-- Caller: AccountStore.use_code. Index: second_factors pkey. Locks: the row: a code works once. Rows: 0 or 1.
UPDATE second_factors SET last_step = $2 WHERE account_id = $1 AND last_step < $2 RETURNING account_id

-- name: use_recovery
-- Caller: AccountStore.use_recovery. Index: second_factors pkey. Locks: the row: a code works once. Rows: 0 or 1.
UPDATE second_factors SET recovery = array_remove(recovery, $2::bytea)
WHERE account_id = $1 AND $2::bytea = ANY (recovery)
RETURNING account_id

-- name: forget_sessions
-- Caller: AccountStore.forget_old, once an hour by the relay. Index: sessions_expire. Locks: the rows deleted, at most $1.
DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < now() LIMIT $1)

-- name: forget_ended
-- Caller: AccountStore.forget_old. Index: none, a table of minutes. Locks: the rows deleted.
DELETE FROM ended_sessions WHERE until < now()

-- name: forget_requests
-- Caller: AccountStore.forget_old. Index: account_requests_expire. Locks: the rows deleted, at most $1.
DELETE FROM account_requests WHERE id IN (SELECT id FROM account_requests WHERE expires_at < now() LIMIT $1)
