-- name: list_locations
-- Caller: GET locations. By primary key, after code $1, at most $2.
SELECT code, name, country, region, priority, active, version FROM locations WHERE code > $1 ORDER BY code LIMIT $2

-- name: location
-- Caller: GET location. By primary key.
SELECT code, name, country, region, priority, active, version FROM locations WHERE code = $1

-- name: lock_location
-- Caller: change, remove, in their transactions. By primary key; locks the row.
SELECT code, name, country, region, priority, active, version FROM locations WHERE code = $1 FOR UPDATE

-- name: count_locations
-- Caller: add. At most LOCATIONS_MAX rows.
SELECT count(*) FROM locations

-- name: add_location
-- Caller: add. One row; trips locations_pkey when the code is taken.
INSERT INTO locations (code, name, country, region, priority, active) VALUES ($1, $2, $3, $4, $5, $6)

-- name: change_location
-- Caller: change, with the row locked.
UPDATE locations SET name = $2, country = $3, region = $4, priority = $5, active = $6, version = $7, updated_at = now()
WHERE code = $1

-- name: remove_location
-- Caller: remove, with the row locked. Trips the foreign keys of stock, counts and feeds when the ledger knows it.
DELETE FROM locations WHERE code = $1
