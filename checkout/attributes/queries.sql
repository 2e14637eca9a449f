-- Definitions of attributes. What products have to keep is looked up in checkout/catalog/write.sql.

-- name: page
-- Caller: GET attributes. Index: attributes_pkey. Rows: <= $2, after the name $1.
SELECT name, type, unit, options, facet, version, created_at FROM attributes WHERE name > $1 ORDER BY name LIMIT $2

-- name: attribute
-- Caller: GET one. Index: attributes_pkey. Rows: 0 or 1.
SELECT name, type, unit, options, facet, version, created_at FROM attributes WHERE name = $1

-- name: lock_attribute
-- Caller: change, delete. Index: attributes_pkey. Locks: the row. Rows: 0 or 1.
SELECT name, type, unit, options, facet, version, created_at FROM attributes WHERE name = $1 FOR UPDATE

-- name: add
-- Caller: define. Rows: 1. Trips attributes_pkey.
INSERT INTO attributes (name, type, unit, options, facet) VALUES ($1, $2, $3, $4, $5)
RETURNING name, type, unit, options, facet, version, created_at

-- name: change
-- Caller: change, with the row locked. Rows: 1.
UPDATE attributes SET type = $2, unit = $3, options = $4, facet = $5, version = version + 1 WHERE name = $1
RETURNING name, type, unit, options, facet, version, created_at

-- name: delete
-- Caller: delete, with the row locked. Products keep their values, as plain text.
DELETE FROM attributes WHERE name = $1
