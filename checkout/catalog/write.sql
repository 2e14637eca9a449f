-- The catalogue's writes. Lock order everywhere: stock rows by item_id, then product rows by slug, before anything else.

-- name: lock_stock_of
-- Caller: write.upsert_products, first of its transaction. Index: products.slug, variants_product, variants.sku.
-- Locks: stock rows by item_id, the committer's order, before any trigger needs them. Rows: variants of one batch.
SELECT s.item_id
FROM stock s
WHERE s.item_id = ANY (ARRAY( -- an array, and no join or OR: each part by its index, also before the tables are analysed
    SELECT v.item_id FROM variants v WHERE v.sku = ANY ($2::text[])
    UNION
    SELECT v.item_id FROM products p JOIN variants v ON v.product_id = p.id WHERE p.slug = ANY ($1::text[])))
ORDER BY s.item_id
FOR NO KEY UPDATE

-- name: owners_of_skus
-- Caller: write.upsert_products. Index: variants.sku. Locks: none. Rows: <= the SKUs of one batch.
SELECT v.sku, v.item_id, p.slug
FROM variants v JOIN products p ON p.id = v.product_id
WHERE v.sku = ANY ($1::text[])

-- name: lock_category_tree
-- Caller: whoever moves categories, first of its transaction. One advisory lock: two moves must not close a circle together.
SELECT pg_advisory_xact_lock(7237014)

-- name: write_categories
-- Caller: write.upsert_categories, parents before children. Index: categories.slug. Locks: rows by slug. Rows: one level.
INSERT INTO categories AS c (id, parent_id, slug, name, position)
SELECT d.id, parent.id, d.slug, d.name, d.position
FROM jsonb_to_recordset($1::jsonb) AS d(id uuid, parent text, slug text, name text, position int)
LEFT JOIN categories parent ON parent.slug = d.parent
ORDER BY d.slug
ON CONFLICT (slug) DO UPDATE SET name = EXCLUDED.name, parent_id = EXCLUDED.parent_id, position = EXCLUDED.position,
                                 version = c.version + 1
WHERE (c.name, c.parent_id, c.position) IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.parent_id, EXCLUDED.position)
RETURNING c.slug

-- name: circular_category
-- Caller: whoever moved categories, under lock_category_tree. Walks upward from the slugs of $1: <= $2 steps each.
-- Rows: 0, or the slug of one that is its own ancestor or lies deeper than $2.
WITH RECURSIVE upward AS (
    SELECT c.slug AS start, c.parent_id, 1 AS depth FROM categories c WHERE c.slug = ANY ($1::text[])
    UNION ALL
    SELECT u.start, c.parent_id, u.depth + 1 FROM upward u JOIN categories c ON c.id = u.parent_id WHERE u.depth <= $2::int
)
SELECT start FROM upward WHERE depth > $2 LIMIT 1

-- name: categories_named
-- Caller: write, to refuse categories that are not there. Index: categories.slug. Rows: <= the slugs asked for.
SELECT slug FROM categories WHERE slug = ANY ($1::text[])

-- name: attributes_named
-- Caller: write, to hold drafts to the definitions. Index: attributes pkey. Rows: <= the names asked for.
SELECT name, type, unit, options, facet FROM attributes WHERE name = ANY ($1::text[])

-- name: write_products
-- Caller: write.upsert_products. Index: products.slug. Locks: product rows by slug, changed or not. Rows: those that changed.
-- An archived product stays archived: only publish.py brings it back.
INSERT INTO products AS p
    (id, slug, title, description, vendor, status, tags, attributes, images, tax_class, owner_id, published_at, archived_at)
SELECT d.id, d.slug, d.title, d.description, d.vendor, d.status, d.tags, d.attributes, d.images, d.tax_class, d.owner_id,
       CASE WHEN d.status = 'published' THEN clock_timestamp() END, CASE WHEN d.status = 'archived' THEN now() END
FROM jsonb_to_recordset($1::jsonb) AS d(id uuid, slug text, title text, description text, vendor text, status text,
                                        tags text[], attributes jsonb, images jsonb, tax_class text, owner_id uuid)
ORDER BY d.slug
ON CONFLICT (slug) DO UPDATE SET
    title = EXCLUDED.title, description = EXCLUDED.description, vendor = EXCLUDED.vendor, tags = EXCLUDED.tags,
    attributes = EXCLUDED.attributes, images = EXCLUDED.images, tax_class = EXCLUDED.tax_class,
    status = CASE WHEN p.status = 'archived' THEN p.status ELSE EXCLUDED.status END,
    published_at = coalesce(p.published_at, EXCLUDED.published_at),
    archived_at = coalesce(p.archived_at, EXCLUDED.archived_at),
    publish_at = CASE WHEN p.status = 'draft' AND EXCLUDED.status = 'draft' THEN p.publish_at END,
    version = p.version + 1, updated_at = now()
WHERE (p.title, p.description, p.vendor, p.tags, p.attributes, p.images, p.tax_class)
      IS DISTINCT FROM (EXCLUDED.title, EXCLUDED.description, EXCLUDED.vendor, EXCLUDED.tags, EXCLUDED.attributes,
                        EXCLUDED.images, EXCLUDED.tax_class)
   OR (p.status <> 'archived' AND p.status <> EXCLUDED.status)
RETURNING p.slug, p.version = 1 AS created

-- name: products_by_slug
-- Caller: write. Index: products.slug. Locks: held since write_products. Rows: <= the products of one batch.
SELECT id, slug, owner_id FROM products WHERE slug = ANY ($1::text[])

-- name: new_item_ids
-- Caller: write.upsert_products. Locks: none. Rows: $1, the new SKUs of one batch.
-- The sequence's name is looked up once, not once a number.
SELECT nextval(s.name) FROM (SELECT pg_get_serial_sequence('stock', 'item_id')::regclass AS name OFFSET 0) s, generate_series(1, $1::int)

-- name: write_stock
-- Caller: write.upsert_products, for new SKUs. Index: stock pkey. Locks: new rows only. Rows: new SKUs of one batch.
-- The receipt is written with the row, and the gate is told to read it.
WITH draft AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, on_hand int, backorder_limit int, movement_id uuid)
), made AS (
    INSERT INTO stock (item_id, kind, on_hand, backorder_limit)
    SELECT item_id, 'variant', on_hand, backorder_limit FROM draft ORDER BY item_id
), told AS (
    INSERT INTO gate_suspects (item_id) SELECT item_id FROM draft ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET since = EXCLUDED.since
)
INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, reason, actor)
SELECT movement_id, item_id, 'receipt', on_hand, $2, $3 FROM draft WHERE on_hand > 0

-- name: write_backorder_limits
-- Caller: write.upsert_products, for SKUs that exist. Index: stock pkey, stock_policies pkey. Locks: held since lock_stock_of.
-- Rows: those that change. Units already promised stay promised: the limit is not lowered below them. Of a SKU with a policy
-- it is a part, from which the trigger works out the net.
WITH draft AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, backorder_limit int)
), policies AS (
    UPDATE stock_policies p SET backorder = least(d.backorder_limit, 1000000000 - p.preorder_units), version = p.version + 1
    FROM draft d
    WHERE p.item_id = d.item_id AND p.backorder <> least(d.backorder_limit, 1000000000 - p.preorder_units)
    RETURNING p.item_id
), changed AS (
    UPDATE stock s SET backorder_limit = greatest(d.backorder_limit, s.reserved - s.on_hand)
    FROM draft d
    WHERE s.item_id = d.item_id AND s.backorder_limit <> greatest(d.backorder_limit, s.reserved - s.on_hand)
      AND NOT EXISTS (SELECT FROM stock_policies p WHERE p.item_id = s.item_id)
    RETURNING s.item_id
)
INSERT INTO gate_suspects (item_id) SELECT item_id FROM changed UNION ALL SELECT item_id FROM policies ORDER BY item_id
ON CONFLICT (item_id) DO UPDATE SET since = EXCLUDED.since
RETURNING item_id

-- name: write_variants
-- Caller: write.upsert_products. Index: variants.sku. Locks: variant rows by item. Rows: the variants that changed.
-- A new SKU that somebody else made meanwhile is another item's: it is left alone, and missing from the rows.
INSERT INTO variants AS v
    (item_id, product_id, sku, barcode, title, options, weight_g, requires_shipping, position, archived_at)
SELECT d.item_id, d.product_id, d.sku, d.barcode, d.title, d.options, d.weight_g, d.requires_shipping, d.position,
       CASE WHEN d.archived THEN now() END
FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, product_id uuid, sku text, barcode text, title text, options jsonb,
                                        weight_g int, requires_shipping boolean, position int, archived boolean)
ORDER BY d.item_id
ON CONFLICT (sku) DO UPDATE SET
    barcode = EXCLUDED.barcode, title = EXCLUDED.title, options = EXCLUDED.options, weight_g = EXCLUDED.weight_g,
    requires_shipping = EXCLUDED.requires_shipping, position = EXCLUDED.position,
    archived_at = CASE WHEN EXCLUDED.archived_at IS NOT NULL THEN coalesce(v.archived_at, EXCLUDED.archived_at) END
WHERE v.item_id = EXCLUDED.item_id
  AND (v.barcode, v.title, v.options, v.weight_g, v.requires_shipping, v.position, v.archived_at IS NULL)
      IS DISTINCT FROM (EXCLUDED.barcode, EXCLUDED.title, EXCLUDED.options, EXCLUDED.weight_g,
                        EXCLUDED.requires_shipping, EXCLUDED.position, EXCLUDED.archived_at IS NULL)
RETURNING v.sku, v.product_id

-- name: write_prices
-- Caller: write.upsert_products, write.set_prices. Index: prices pkey. Locks: price rows by item. Rows: those that changed.
-- Sets regular prices: under a price list that runs now, the new one waits for the list's end.
INSERT INTO prices AS r (item_id, currency, amount_minor, compare_at_minor)
SELECT d.item_id, d.currency, d.amount_minor, d.compare_at_minor
FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, currency text, amount_minor bigint, compare_at_minor bigint)
ORDER BY d.item_id, d.currency
ON CONFLICT (item_id, currency) DO UPDATE SET
    amount_minor = CASE WHEN r.list_id IS NULL THEN EXCLUDED.amount_minor ELSE r.amount_minor END,
    compare_at_minor = CASE WHEN r.list_id IS NULL THEN EXCLUDED.compare_at_minor ELSE r.compare_at_minor END,
    regular_minor = CASE WHEN r.list_id IS NOT NULL THEN EXCLUDED.amount_minor END,
    regular_compare_at_minor = CASE WHEN r.list_id IS NOT NULL THEN EXCLUDED.compare_at_minor END
WHERE (CASE WHEN r.list_id IS NULL THEN r.amount_minor ELSE r.regular_minor END,
       CASE WHEN r.list_id IS NULL THEN r.compare_at_minor ELSE r.regular_compare_at_minor END)
      IS DISTINCT FROM (EXCLUDED.amount_minor, EXCLUDED.compare_at_minor)
RETURNING r.item_id

-- name: drop_prices
-- Caller: whoever takes SKUs out of a currency, with their stock rows locked. Index: prices pkey. Rows: those that there were.
-- Under a price list that runs now the price goes at the list's end.
WITH named AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, currency text)
), dropped AS (
    DELETE FROM prices r USING named n
    WHERE r.item_id = n.item_id AND r.currency = n.currency AND r.list_id IS NULL
    RETURNING r.item_id
), covered AS (
    UPDATE prices r SET regular_minor = NULL, regular_compare_at_minor = NULL
    FROM named n
    WHERE r.item_id = n.item_id AND r.currency = n.currency AND r.list_id IS NOT NULL AND r.regular_minor IS NOT NULL
    RETURNING r.item_id
)
SELECT item_id FROM dropped UNION ALL SELECT item_id FROM covered

-- name: touch_products
-- Caller: whoever changed variants or prices of products, last. Index: products pkey, variants pkey. Locks: product rows by
-- slug. Rows: the products of these ids or items but those of $3, which moved already. Their ETag moves: what people read
-- before is stale.
WITH touched AS MATERIALIZED (
    SELECT id FROM products
    WHERE id = ANY ($1::uuid[] || ARRAY(SELECT product_id FROM variants WHERE item_id = ANY ($2::bigint[])))
      AND slug <> ALL ($3::text[])
    ORDER BY slug FOR NO KEY UPDATE
)
UPDATE products p SET version = p.version + 1, updated_at = now() FROM touched t WHERE p.id = t.id
RETURNING p.slug

-- name: write_memberships
-- Caller: write.upsert_products. Index: product_categories both ways. Locks: product rows whose categories changed (their
-- version moves, which tells the caches). Rows: those products. $2: products of the batch that were there before it; those
-- made in it have no other categories yet, and their version stays.
WITH wanted AS (
    SELECT d.product_id, c.id AS category_id
    FROM jsonb_to_recordset($1::jsonb) AS d(product_id uuid, slug text) JOIN categories c ON c.slug = d.slug
), gone AS (
    DELETE FROM product_categories pc
    WHERE pc.product_id = ANY ($2::uuid[])
      AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.product_id = pc.product_id AND w.category_id = pc.category_id)
    RETURNING pc.product_id
), added AS (
    INSERT INTO product_categories (product_id, category_id) SELECT product_id, category_id FROM wanted
    ON CONFLICT DO NOTHING
    RETURNING product_id
)
UPDATE products SET version = version + 1, updated_at = now()
WHERE id = ANY ($2::uuid[]) AND id IN (SELECT product_id FROM gone UNION SELECT product_id FROM added)
RETURNING slug

-- name: lock_stock_of_products
-- Caller: publish.publish, archive.archive, first of their transactions. Index: variants_product.
-- Locks: stock rows by item_id. Rows: variants of the products.
SELECT s.item_id FROM stock s
WHERE s.item_id IN (SELECT v.item_id FROM variants v WHERE v.product_id = ANY ($1::uuid[]))
ORDER BY s.item_id
FOR NO KEY UPDATE

-- name: publish_products
-- Caller: publish.publish. Index: products pkey. Locks: product rows. Rows: those that were not published.
UPDATE products SET status = 'published', archived_at = NULL, publish_at = NULL,
                    published_at = coalesce(published_at, now()), version = version + 1, updated_at = now()
WHERE id = ANY ($1::uuid[]) AND status <> 'published'
RETURNING id

-- name: archive_products
-- Caller: archive.archive. Index: products pkey. Locks: product rows. Rows: those that were not archived.
UPDATE products SET status = 'archived', archived_at = now(), publish_at = NULL, version = version + 1, updated_at = now()
WHERE id = ANY ($1::uuid[]) AND status <> 'archived'
RETURNING id

-- name: items_of_skus
-- Caller: write.set_prices. Index: variants.sku. Locks: stock rows by item_id. Rows: <= the SKUs asked for.
SELECT v.sku, s.item_id
FROM variants v JOIN stock s ON s.item_id = v.item_id
WHERE v.sku = ANY ($1::text[])
ORDER BY s.item_id
FOR NO KEY UPDATE OF s
