-- name: users_page
-- Caller: GET users, planned for its values. By accounts_email_index, accounts_email, accounts_by_role or primary key; of account $3 only, when it is given;
-- before id $4, newest first, at most $5 rows.
SELECT id, personal, email, role, verified_at, disabled_at, created_at, version FROM accounts
WHERE ($1::text IS NULL OR role = $1) AND ($2::bytea IS NULL OR email_index = $2 OR lower(email) = $6)
  AND ($3::uuid IS NULL OR id = $3) AND id < $4
ORDER BY id DESC LIMIT $5

-- name: user
-- Caller: GET user. By primary key; none when it is not account $2, when that is given.
SELECT id, personal, email, role, verified_at, disabled_at, created_at, version FROM accounts
WHERE id = $1 AND ($2::uuid IS NULL OR id = $2)

-- name: role_permissions
-- Caller: POST and PATCH user, in their transaction. By primary key; the role stays until the commit.
SELECT permissions FROM roles WHERE name = $1 FOR SHARE

-- name: add_user
-- Caller: POST users, in its transaction. One row; none when the address (accounts_email_index, accounts_email) is taken.
INSERT INTO accounts (id, personal, email_index, password_hash, role)
SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM accounts WHERE lower(email) = $6)
ON CONFLICT (email_index) DO NOTHING
RETURNING id, personal, email, role, verified_at, disabled_at, created_at, version

-- name: lock_user
-- Caller: PATCH user, first. By primary key; none when it is not account $2, when that is given. Locks the row. Its role's permissions
-- are asked for afterwards: joined here, they would be those of the role before another's change, and the row would be missed.
SELECT role, disabled_at, version FROM accounts WHERE id = $1 AND ($2::uuid IS NULL OR id = $2) FOR UPDATE

-- name: change_user
-- Caller: PATCH user, with the row locked. By primary key. Its triggers end the account's sessions and keep the last admin.
UPDATE accounts SET role = $2, version = version + 1,
       disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, now()) END
WHERE id = $1 RETURNING id, personal, email, role, verified_at, disabled_at, created_at, version

-- name: vendors_page
-- Caller: GET vendors. By accounts_by_role, before id $1, newest first, at most $2 rows; products counted by products_owner up to $3.
SELECT a.id, a.personal, a.email, a.disabled_at, a.created_at,
       (SELECT count(*) FROM (SELECT FROM products p WHERE p.owner_id = a.id LIMIT $3) counted) AS products
FROM accounts a WHERE a.role = 'vendor' AND a.id < $1 ORDER BY a.id DESC LIMIT $2
