-- name: record
-- Caller: every verb of an admin, in its transaction. One row.
INSERT INTO audit_log (actor, action, subject, before, after) VALUES ($1, $2, $3, $4::json, $5::json)

-- name: permissions
-- Caller: RoleTable.reload, at the start and after each change. Whole table: tens of rows.
SELECT name, permissions FROM roles

-- name: find_key
-- Caller: KeyMemory.find. By api_keys_digest_key and accounts_pkey, one row or none; writes its use when the last note of one
-- is older than $2 s. Locks: the key's row, then.
WITH found AS (
    SELECT k.id, k.account_id, k.permissions, k.expires_at, k.last_used_at, a.role
    FROM api_keys k JOIN accounts a ON a.id = k.account_id
    WHERE k.digest = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
      AND a.disabled_at IS NULL
), noted AS (
    UPDATE api_keys k SET last_used_at = now() FROM found f
    WHERE k.id = f.id AND (f.last_used_at IS NULL OR f.last_used_at < now() - make_interval(secs => $2))
)
SELECT id, account_id, permissions, expires_at, role FROM found

-- name: log_page
-- Caller: GET audit-log, planned for its values. By audit_log_subject, _actor or _action, whichever is given, else by primary key;
-- entries before id $6, newest first, at most $7 rows.
SELECT id, at, actor, action, subject, before, after FROM audit_log
WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR subject = $3)
  AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5) AND id < $6
ORDER BY id DESC LIMIT $7
