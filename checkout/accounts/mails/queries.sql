-- name: request_to_answer
-- Caller: AccountMailStore.request. Index: account_requests pkey, accounts_email. Locks: none. Rows: 0 or 1.
SELECT r.id, r.kind, r.email, r.told_at IS NOT NULL AS is_told, r.expires_at < now() AS is_over,
       a.id IS NOT NULL AS has_account
FROM account_requests r LEFT JOIN accounts a ON lower(a.email) = lower(r.email) AND a.disabled_at IS NULL
WHERE r.id = $1

-- name: told
-- Caller: AccountMailStore.told, when the mail with its link is out. Index: account_requests pkey. Locks: the row. Rows: 0 or 1.
UPDATE account_requests SET told_at = now() WHERE id = $1

-- name: drop_request
-- Caller: AccountMailStore.told, for a request that no link can finish. Index: account_requests pkey. Locks: the row deleted. Rows: 0 or 1.
DELETE FROM account_requests WHERE id = $1
