-- Products for those who sell them. Lock order: stock rows by item_id, then the product row.

-- name: product
-- Caller: store.read, store.opened. Index: products pkey, variants_product. Rows: 0 or 1. $2: only of this owner; NULL: of any.
SELECT p.id, p.slug, p.title, p.description, p.vendor, p.status, p.publish_at, p.published_at, p.archived_at, p.tags,
       p.attributes, p.images, p.tax_class, p.owner_id, p.version, p.created_at, p.updated_at,
       ARRAY(SELECT c.slug FROM product_categories pc JOIN categories c ON c.id = pc.category_id
             WHERE pc.product_id = p.id ORDER BY c.position, c.slug) AS categories,
       (SELECT coalesce(json_agg(json_build_object(
                   'item_id', v.item_id, 'sku', v.sku, 'barcode', v.barcode, 'title', v.title, 'options', v.options,
                   'weight_g', v.weight_g, 'requires_shipping', v.requires_shipping, 'position', v.position,
                   'archived_at', v.archived_at,
                   'prices', (SELECT coalesce(json_object_agg(r.currency,
                                  json_build_object('amount', r.amount_minor, 'compare_at', r.compare_at_minor)
                                  ORDER BY r.currency), '{}')
                              FROM regular_prices r WHERE r.item_id = v.item_id),
                   'list_prices', (SELECT coalesce(json_object_agg(r.currency,
                                  json_build_object('amount', r.amount_minor, 'compare_at', r.compare_at_minor,
                                                    'list_id', r.list_id) ORDER BY r.currency), '{}')
                              FROM prices r WHERE r.item_id = v.item_id AND r.list_id IS NOT NULL),
                   'on_hand', s.on_hand, 'reserved', s.reserved,
                   'backorder_limit', coalesce(o.backorder, greatest(s.backorder_limit, 0)))
               ORDER BY v.position, v.item_id), '[]')
        FROM variants v JOIN stock s ON s.item_id = v.item_id LEFT JOIN stock_policies o ON o.item_id = v.item_id
        WHERE v.product_id = p.id) AS variants
FROM products p
WHERE p.id = $1 AND ($2::uuid IS NULL OR p.owner_id = $2)

-- name: lock_product
-- Caller: store.opened, after its stock rows. Index: products pkey. Locks: the product row. Rows: 0 or 1.
SELECT version FROM products WHERE id = $1 AND ($2::uuid IS NULL OR owner_id = $2) FOR NO KEY UPDATE

-- name: lock_stock_of_product
-- Caller: store.opened, first of its transaction. Index: variants_product. Locks: stock rows by item_id.
SELECT s.item_id FROM stock s
WHERE s.item_id IN (SELECT v.item_id FROM variants v WHERE v.product_id = $1)
ORDER BY s.item_id FOR NO KEY UPDATE

-- name: newest
-- Caller: store.page without words. Index: products pkey (ids are time-ordered), products_owner. Rows: <= $4.
SELECT p.id FROM products p
WHERE ($1::uuid IS NULL OR p.id < $1) AND ($2::text IS NULL OR p.status = $2) AND ($3::uuid IS NULL OR p.owner_id = $3)
ORDER BY p.id DESC LIMIT $4

-- name: beginning_with
-- Caller: store.page with words. Index: products_slug_prefix, products_title_prefix, variants_sku_prefix, variants_barcode.
-- Rows: <= $4 of all whose slug, title or SKU begins with the words ($5 to $6 small, $7 to $8 as SKUs are written), or whose
-- barcode is $9.
WITH hits AS (
    SELECT id FROM products WHERE slug ~>=~ $5::text AND slug ~<~ $6::text
    UNION SELECT id FROM products WHERE lower(title) ~>=~ $5::text AND lower(title) ~<~ $6::text
    UNION SELECT product_id FROM variants WHERE sku ~>=~ $7::text AND sku ~<~ $8::text
    UNION SELECT product_id FROM variants WHERE barcode = $9
)
SELECT p.id FROM products p JOIN hits USING (id)
WHERE ($1::uuid IS NULL OR p.id < $1) AND ($2::text IS NULL OR p.status = $2) AND ($3::uuid IS NULL OR p.owner_id = $3)
ORDER BY p.id DESC LIMIT $4

-- name: cards
-- Caller: store.page. Index: products pkey, variants_product. Rows: <= the ids of one page, newest first.
SELECT p.id, p.slug, p.title, p.vendor, p.status, p.publish_at, p.published_at, p.owner_id, p.version, p.created_at,
       p.updated_at, p.images -> 0 ->> 'url' AS image,
       ARRAY(SELECT v.sku FROM variants v WHERE v.product_id = p.id AND v.archived_at IS NULL
             ORDER BY v.position, v.item_id LIMIT 20) AS skus,
       (SELECT count(*) FROM variants v WHERE v.product_id = p.id AND v.archived_at IS NULL)::int AS variants,
       (SELECT coalesce(sum(greatest(0, s.on_hand - s.reserved)), 0)
        FROM variants v JOIN stock s ON s.item_id = v.item_id
        WHERE v.product_id = p.id AND v.archived_at IS NULL)::bigint AS on_shelf
FROM products p WHERE p.id = ANY ($1::uuid[]) ORDER BY p.id DESC

-- name: rename
-- Caller: edit, with the row locked. Index: products pkey. Trips products_slug_key when the slug is taken.
UPDATE products SET slug = $2, version = version + 1, updated_at = now() WHERE id = $1 AND slug <> $2

-- name: give_to
-- Caller: create, edit, with the row locked. Index: products pkey. Trips products_owner_id_fkey for an unknown account.
UPDATE products SET owner_id = $2, version = version + 1, updated_at = now()
WHERE id = $1 AND owner_id IS DISTINCT FROM $2

-- name: plan
-- Caller: publish at a time, with the row locked. Index: products pkey. $2 NULL: no longer at a time.
UPDATE products SET publish_at = $2, version = version + 1, updated_at = now()
WHERE id = $1 AND publish_at IS DISTINCT FROM $2

-- name: withdraw
-- Caller: unpublish, with the row locked. Index: products pkey. Rows: 0 or 1.
UPDATE products SET status = 'draft', archived_at = NULL, publish_at = NULL, version = version + 1, updated_at = now()
WHERE id = $1 AND (status <> 'draft' OR publish_at IS NOT NULL)

-- name: used_items
-- Caller: edit, before variants go, with their stock rows locked. Index: stock pkey, stock_movements_item. Rows: those of the
-- items that hold units, are owed to an order, or stand in the ledger. An order's line is reserved, or has a movement.
SELECT s.item_id FROM stock s
WHERE s.item_id = ANY ($1::bigint[])
  AND (s.on_hand <> 0 OR s.reserved <> 0 OR EXISTS (SELECT FROM stock_movements m WHERE m.item_id = s.item_id))

-- name: remove_variants
-- Caller: edit, for items that are not in use, with their stock rows locked. Index: variants pkey. The stock rows stay: an
-- order that was under way finds them changed, and is refused.
WITH gone AS (
    DELETE FROM variants WHERE item_id = ANY ($1::bigint[]) RETURNING item_id
), policies AS (
    DELETE FROM stock_policies WHERE item_id IN (SELECT item_id FROM gone)
)
UPDATE stock SET backorder_limit = 0 WHERE item_id IN (SELECT item_id FROM gone) AND backorder_limit <> 0

-- name: suspect
-- Caller: edit, after remove_variants: the gate is told that nothing of these is left.
INSERT INTO gate_suspects (item_id) SELECT i FROM unnest($1::bigint[]) i ORDER BY i ON CONFLICT DO NOTHING

-- name: due
-- Caller: publish_due, every CATALOG_CLOCK_INTERVAL_S. Index: products_publish_at. Rows: <= $1.
SELECT id FROM products WHERE publish_at <= now() ORDER BY publish_at LIMIT $1

-- name: publish_due
-- Caller: publish_due, with the stock rows locked. Index: products pkey. Locks: product rows by slug; one that an editor
-- holds, or that is planned anew, waits for the next look.
WITH ready AS MATERIALIZED (
    SELECT id, publish_at FROM products WHERE id = ANY ($1::uuid[]) AND publish_at <= now() ORDER BY slug
    FOR NO KEY UPDATE SKIP LOCKED
), logged AS (
    INSERT INTO audit_log (actor, action, subject, after)
    SELECT 'system', 'product.publish', id::text, json_build_object('status', 'published', 'publish_at', publish_at) FROM ready
)
UPDATE products p SET status = 'published', publish_at = NULL, published_at = coalesce(p.published_at, now()),
                      version = p.version + 1, updated_at = now()
FROM ready r WHERE p.id = r.id
RETURNING p.id

-- name: by_barcode
-- Caller: scan. Index: variants_barcode. Rows: <= 100. $2: only of this owner; NULL: of any.
SELECT v.sku, v.barcode, v.title, v.archived_at, p.id AS product_id, p.title AS product_title, p.status,
       s.on_hand, s.reserved, s.backorder_limit
FROM variants v JOIN products p ON p.id = v.product_id JOIN stock s ON s.item_id = v.item_id
WHERE v.barcode = ANY ($1::text[]) AND ($2::uuid IS NULL OR p.owner_id = $2)
ORDER BY v.sku LIMIT 100

-- name: by_sku
-- Caller: scan. Index: variants_sku_key. Rows: 0 or 1. $2: only of this owner; NULL: of any.
SELECT v.sku, v.barcode, v.title, v.archived_at, p.id AS product_id, p.title AS product_title, p.status,
       s.on_hand, s.reserved, s.backorder_limit
FROM variants v JOIN products p ON p.id = v.product_id JOIN stock s ON s.item_id = v.item_id
WHERE v.sku = $1 AND ($2::uuid IS NULL OR p.owner_id = $2)
