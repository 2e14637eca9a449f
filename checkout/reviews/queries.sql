-- Reviews. Lock order: the review's row, then its product's rating (by trigger).

-- name: product_of
-- Caller: every route of one product. Index: products pkey, products.slug. Locks: none. Rows: 0 or 1.
SELECT p.id FROM products p WHERE p.status = 'published' AND (p.slug = $1 OR p.id = $2::uuid)

-- name: has_bought
-- Caller: write. Index: orders_account, order_lines pkey, variants_product. Locks: none. Rows: one; reads the account's orders.
SELECT EXISTS (
    SELECT FROM orders o
    JOIN order_lines l ON l.order_id = o.id
    JOIN variants v ON v.item_id = l.item_id
    WHERE o.account_id = $1 AND o.paid_at IS NOT NULL AND v.product_id = $2)

-- name: add
-- Caller: write. Index: reviews_one_each. Locks: the new row. Rows: 0 (there is one already) or 1.
INSERT INTO reviews (id, product_id, account_id, stars, title, body, author) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (product_id, account_id) DO NOTHING
RETURNING id

-- name: own
-- Caller: read one's own, write, edit. Index: reviews_one_each. Locks: none. Rows: 0 or 1.
SELECT id, product_id, stars, title, body, author, status, reason, version, created_at, updated_at
FROM reviews WHERE product_id = $1 AND account_id = $2

-- name: lock_own
-- Caller: edit, delete. Index: reviews_one_each. Locks: the row. Rows: 0 or 1.
SELECT id, version FROM reviews WHERE product_id = $1 AND account_id = $2 FOR UPDATE

-- name: edit
-- Caller: edit, with the row locked. Index: reviews pkey. Locks: held. Rows: 1.
UPDATE reviews SET stars = $2, title = $3, body = $4, author = $5, status = 'pending', reason = '', moderated_at = NULL,
                   moderated_by = NULL, version = version + 1, updated_at = now()
WHERE id = $1

-- name: remove
-- Caller: delete, with the row locked. Index: reviews pkey. Locks: held. Rows: 1.
DELETE FROM reviews WHERE id = $1

-- name: public_page
-- Caller: list. Index: reviews_public. Locks: none. Rows: <= $4.
SELECT id, stars, title, body, author, created_at FROM reviews
WHERE product_id = $1 AND status = 'approved'
  AND ($2::timestamptz IS NULL OR created_at < $2 OR (created_at = $2 AND id > $3::uuid))
ORDER BY created_at DESC, id
LIMIT $4

-- name: rating
-- Caller: list. Index: product_ratings pkey. Locks: none. Rows: 0 or 1.
SELECT stars, reviews, stars_1, stars_2, stars_3, stars_4, stars_5 FROM product_ratings WHERE product_id = $1

-- name: queue
-- Caller: moderators' list, oldest first. Index: reviews_queue. Locks: none. Rows: <= $5. $4: whose products, NULL: everyone's.
SELECT r.id, r.product_id, p.slug, p.title AS product_title, r.account_id, r.stars, r.title, r.body, r.author, r.status, r.reason,
       r.version, r.created_at, r.updated_at, r.moderated_at
FROM reviews r JOIN products p ON p.id = r.product_id
WHERE r.status = $1 AND ($4::uuid IS NULL OR p.owner_id = $4)
  AND ($2::timestamptz IS NULL OR (r.created_at, r.id) > ($2, $3::uuid))
ORDER BY r.created_at, r.id
LIMIT $5

-- name: one
-- Caller: moderators. Index: reviews pkey. Locks: none. Rows: 0 or 1. $2: whose product, NULL: anyone's.
SELECT r.id, r.product_id, p.slug, p.title AS product_title, r.account_id, r.stars, r.title, r.body, r.author, r.status, r.reason,
       r.version, r.created_at, r.updated_at, r.moderated_at
FROM reviews r JOIN products p ON p.id = r.product_id
WHERE r.id = $1 AND ($2::uuid IS NULL OR p.owner_id = $2)

-- name: lock
-- Caller: moderate. Index: reviews pkey. Locks: the row. Rows: 0 or 1.
SELECT version FROM reviews WHERE id = $1 FOR UPDATE

-- name: moderate
-- Caller: moderate, with the row locked. Index: reviews pkey. Locks: held; by trigger the product's rating. Rows: 1.
UPDATE reviews SET status = $2, reason = $3, moderated_at = now(), moderated_by = $4, version = version + 1, updated_at = now()
WHERE id = $1
