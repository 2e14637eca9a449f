-- name: roles_page
-- Caller: GET roles. By primary key, after name $1, at most $2 rows.
SELECT name, title, permissions, built_in, version, created_at, updated_at FROM roles WHERE name > $1 ORDER BY name LIMIT $2

-- name: role
-- Caller: GET role. By primary key.
SELECT name, title, permissions, built_in, version, created_at, updated_at FROM roles WHERE name = $1

-- name: add_role
-- Caller: POST roles, in its transaction. One row; none when the name is taken.
INSERT INTO roles (name, title, permissions) VALUES ($1, $2, $3)
ON CONFLICT (name) DO NOTHING RETURNING name, title, permissions, built_in, version, created_at, updated_at

-- name: lock_role
-- Caller: PUT and DELETE role, first. By primary key; locks the row.
SELECT name, title, permissions, built_in, version FROM roles WHERE name = $1 FOR UPDATE

-- name: change_role
-- Caller: PUT role, with the row locked. By primary key.
UPDATE roles SET title = $2, permissions = $3, version = version + 1, updated_at = now() WHERE name = $1
RETURNING name, title, permissions, built_in, version, created_at, updated_at

-- name: delete_role
-- Caller: DELETE role, with the row locked. By primary key; trips accounts_role while accounts have it.
DELETE FROM roles WHERE name = $1
