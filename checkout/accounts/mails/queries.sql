-- name: request_to_answer
-- Caller: AccountMailStore.request. Index: account_requests pkey. Locks: none. Rows: 0 or 1.
SELECT id, kind, personal, email, told_at IS NOT NULL AS is_told, expires_at < now() AS is_over FROM account_requests WHERE id = $1

-- name: has_account
-- Caller: AccountMailStore.request. Index: accounts_email_index, accounts_email. Locks: none. Rows: 1.
SELECT EXISTS (SELECT FROM accounts WHERE (email_index = $1 OR lower(email) = $2) AND disabled_at IS NULL) AS found

-- name: told
-- Caller: AccountMailStore.told, when the mail with its link is out. Index: account_requests pkey. Locks: the row. Rows: 0 or 1.
UPDATE account_requests SET told_at = now() WHERE id = $1

-- name: drop_request
-- Caller: AccountMailStore.told, for a request that no link can finish. Index: account_requests pkey. Locks: the row deleted. Rows: 0 or 1.
DELETE FROM account_requests WHERE id = $1
