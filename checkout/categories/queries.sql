-- The tree of categories. Whoever moves a node first takes the tree's advisory lock (checkout/catalog/write.sql).

-- name: page
-- Caller: GET categories. Index: categories_slug_key. Rows: <= $2, after the slug $1.
SELECT c.id, c.slug, c.name, parent.slug AS parent, c.position, c.version,
       (SELECT count(*) FROM product_categories pc WHERE pc.category_id = c.id)::int AS products
FROM categories c LEFT JOIN categories parent ON parent.id = c.parent_id
WHERE c.slug > $1 ORDER BY c.slug LIMIT $2

-- name: category
-- Caller: GET one, and every edit, for its answer. Index: categories pkey. Rows: 0 or 1.
SELECT c.id, c.slug, c.name, parent.slug AS parent, c.position, c.version,
       (SELECT count(*) FROM product_categories pc WHERE pc.category_id = c.id)::int AS products
FROM categories c LEFT JOIN categories parent ON parent.id = c.parent_id
WHERE c.id = $1

-- name: lock_category
-- Caller: every edit, under the tree's lock. Index: categories pkey. Locks: the row. Rows: 0 or 1.
SELECT version FROM categories WHERE id = $1 FOR UPDATE

-- name: id_of
-- Caller: make, change, to find the parent. Index: categories_slug_key. Rows: 0 or 1.
SELECT id FROM categories WHERE slug = $1

-- name: count_all
-- Caller: make, under the tree's lock. Rows: 1; reads <= CATEGORIES_MAX.
SELECT count(*) FROM categories

-- name: add
-- Caller: make, under the tree's lock. Rows: 1. Trips categories_slug_key.
INSERT INTO categories (id, parent_id, slug, name, position) VALUES ($1, $2, $3, $4, $5)

-- name: change
-- Caller: change, with the row locked. Rows: 0 or 1: none when nothing changes. Trips categories_slug_key.
UPDATE categories SET parent_id = $2, slug = $3, name = $4, position = $5, version = version + 1
WHERE id = $1 AND (parent_id, slug, name, position) IS DISTINCT FROM ($2, $3, $4, $5)

-- name: branch
-- Caller: change, make. Index: categories_parent. Rows: the slugs of this category and of all below it; UNION ends circles.
WITH RECURSIVE below AS (
    SELECT id, slug FROM categories WHERE id = $1
    UNION
    SELECT c.id, c.slug FROM categories c JOIN below b ON c.parent_id = b.id
)
SELECT slug FROM below

-- name: has_children
-- Caller: delete, under the tree's lock. Index: categories_parent. Rows: 1.
SELECT EXISTS (SELECT FROM categories WHERE parent_id = $1)

-- name: delete
-- Caller: delete, with the row locked. Products stay; their membership goes with it.
DELETE FROM categories WHERE id = $1
