-- The catalogue's reads and writes. Lock order everywhere: stock rows by item_id, before anything else of a batch.

-- name: offers_by_sku
-- Caller: offers.Offers, on a miss. Index: variants.sku, prices pkey. Locks: none. Rows: <= the SKUs asked for.
-- Price and offer_version come from one snapshot: an offer is always a price that was true at its version.
SELECT v.item_id, v.sku, p.id::text AS product_id, p.slug,
       CASE WHEN v.title = '' THEN p.title ELSE p.title || ' – ' || v.title END AS title,
       r.currency, r.amount_minor, s.offer_version, p.tax_class, v.weight_g, v.requires_shipping
FROM variants v
JOIN products p ON p.id = v.product_id AND p.status = 'published'
JOIN prices r ON r.item_id = v.item_id AND r.currency = $2
JOIN stock s ON s.item_id = v.item_id
WHERE v.sku = ANY ($1::text[])

-- name: product_by_key
-- Caller: reading.product. Index: products pkey, products.slug, variants_product. Locks: none. Rows: 0 or 1.
SELECT p.id::text AS id, p.slug, p.title, p.description, p.vendor, p.tags, p.attributes, p.images, p.tax_class, p.version,
       p.published_at, p.updated_at,
       (SELECT coalesce(json_agg(json_build_object('slug', c.slug, 'name', c.name) ORDER BY c.position, c.slug), '[]')
        FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = p.id) AS categories,
       (SELECT coalesce(json_agg(json_build_object(
                   'sku', v.sku, 'barcode', v.barcode, 'title', v.title, 'attributes', v.options,
                   'weight_g', v.weight_g, 'requires_shipping', v.requires_shipping,
                   'prices', (SELECT coalesce(json_object_agg(r.currency, r.amount_minor ORDER BY r.currency), '{}')
                              FROM prices r WHERE r.item_id = v.item_id),
                   'compare_at_prices', (SELECT coalesce(json_object_agg(r.currency, r.compare_at_minor ORDER BY r.currency), '{}')
                              FROM prices r WHERE r.item_id = v.item_id AND r.compare_at_minor IS NOT NULL),
                   'on_hand', s.on_hand, 'reserved', s.reserved, 'backorder_limit', s.backorder_limit)
               ORDER BY v.position, v.item_id), '[]')
        FROM variants v JOIN stock s ON s.item_id = v.item_id WHERE v.product_id = p.id) AS variants
FROM products p
WHERE p.status = 'published' AND (p.slug = $1 OR p.id = $2::uuid)

-- name: page_newest
-- Caller: reading.listing without filters. Index: products_listing. Locks: none. Rows: <= limit.
SELECT p.id, -(extract(epoch FROM p.published_at) * 1000000)::bigint AS key_number, '' AS key_text
FROM products p
WHERE p.status = 'published'
  AND ($1::timestamptz IS NULL OR p.published_at < $1 OR (p.published_at = $1 AND p.id > $2::uuid))
ORDER BY p.published_at DESC, p.id
LIMIT $3

-- name: newest_ids
-- Caller: reading.listing without filters, for its facets. Index: products_listing. Locks: none. Rows: <= $1.
SELECT id FROM products WHERE status = 'published' ORDER BY published_at DESC, id LIMIT $1

-- name: page_filtered
-- Caller: reading.listing with filters or another order. Index: product_categories pkey and products_tags where they
-- select, else a scan of published products. Locks: none. Rows: 1, its page <= limit, its ids <= $11.
WITH RECURSIVE branch AS (
    SELECT id FROM categories WHERE slug = $1
    UNION ALL
    SELECT c.id FROM categories c JOIN branch b ON c.parent_id = b.id
), matching AS MATERIALIZED (
    SELECT p.id, p.title, p.published_at
    FROM products p
    WHERE p.status = 'published'
      AND ($1::text IS NULL OR p.id IN (SELECT pc.product_id FROM product_categories pc JOIN branch b ON b.id = pc.category_id))
      AND p.tags @> $2::text[]
      AND NOT EXISTS (
          SELECT 1 FROM unnest($3::text[]) AS a(text)
          WHERE NOT (p.attributes @> a.text::jsonb
                     OR EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND v.options @> a.text::jsonb)))
      AND (cardinality($4::text[]) = 0
           OR concat_ws(' ', p.title, p.vendor, p.description, array_to_string(p.tags, ' ')) ILIKE ALL ($4::text[])
           OR EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND (v.sku = $5 OR v.barcode = $5)))
), keyed AS (
    SELECT m.id,
           CASE $6::text WHEN 'price' THEN price.lowest WHEN '-price' THEN -price.lowest WHEN 'title' THEN 0
                ELSE -(extract(epoch FROM m.published_at) * 1000000)::bigint END AS key_number,
           (CASE WHEN $6 = 'title' THEN lower(m.title) ELSE '' END) COLLATE "C" AS key_text
    FROM matching m
    LEFT JOIN LATERAL (
        SELECT min(r.amount_minor) AS lowest
        FROM variants v JOIN prices r ON r.item_id = v.item_id AND r.currency = $7
        WHERE v.product_id = m.id) price ON $6 IN ('price', '-price')
    WHERE $6 NOT IN ('price', '-price') OR price.lowest IS NOT NULL
), page AS (
    SELECT id, key_number, key_text FROM keyed
    WHERE $8::bigint IS NULL OR (key_number, key_text, id) > ($8, $9::text COLLATE "C", $10::uuid)
    ORDER BY key_number, key_text, id
    LIMIT $12
)
SELECT (SELECT coalesce(array_agg(id ORDER BY key_number, key_text, id), '{}') FROM page) AS page_ids,
       (SELECT coalesce(array_agg(key_number ORDER BY key_number, key_text, id), '{}') FROM page) AS key_numbers,
       (SELECT coalesce(array_agg(key_text ORDER BY key_number, key_text, id), '{}') FROM page) AS key_texts,
       (SELECT coalesce(array_agg(id), '{}') FROM (SELECT id FROM matching LIMIT $11) first) AS ids

-- name: cards_by_id
-- Caller: reading.listing. Index: products pkey, variants_product. Locks: none. Rows: <= the ids of one page.
SELECT p.id, p.slug, p.title, p.vendor, p.tags, p.attributes, p.images -> 0 AS image, p.published_at,
       (SELECT coalesce(json_agg(c.slug ORDER BY c.position, c.slug), '[]')
        FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = p.id) AS categories,
       (SELECT coalesce(json_object_agg(x.currency, json_build_object('from', x.lowest, 'to', x.highest) ORDER BY x.currency), '{}')
        FROM (SELECT r.currency, min(r.amount_minor) AS lowest, max(r.amount_minor) AS highest
              FROM variants v JOIN prices r ON r.item_id = v.item_id WHERE v.product_id = p.id GROUP BY r.currency) x) AS prices,
       (SELECT json_agg(v.sku ORDER BY v.position, v.item_id) FROM variants v WHERE v.product_id = p.id) AS skus,
       (SELECT coalesce(bool_or(s.reserved < s.on_hand + s.backorder_limit), false)
        FROM variants v JOIN stock s ON s.item_id = v.item_id WHERE v.product_id = p.id) AS in_stock
FROM products p
WHERE p.id = ANY ($1::uuid[]) AND p.status = 'published'

-- name: facets
-- Caller: reading.listing. Index: products pkey, product_categories_product, variants_product. Locks: none.
-- Rows: the distinct values of <= FACET_PRODUCTS_MAX products.
WITH RECURSIVE chosen AS (
    SELECT unnest($1::uuid[]) AS id
), upward AS (
    SELECT pc.product_id, c.id, c.parent_id
    FROM chosen JOIN product_categories pc ON pc.product_id = chosen.id JOIN categories c ON c.id = pc.category_id
    UNION
    SELECT u.product_id, c.id, c.parent_id FROM upward u JOIN categories c ON c.id = u.parent_id
)
SELECT 'category' AS facet, c.slug AS name, c.name AS value, count(*)::int AS products
FROM upward u JOIN categories c ON c.id = u.id GROUP BY c.slug, c.name
UNION ALL
SELECT 'tag', '', t.tag, count(*)::int
FROM chosen JOIN products p ON p.id = chosen.id CROSS JOIN LATERAL unnest(p.tags) AS t(tag) GROUP BY t.tag
UNION ALL
SELECT 'attribute', x.name, x.value, count(*)::int
FROM (SELECT chosen.id, a.key AS name, a.value
      FROM chosen JOIN products p ON p.id = chosen.id CROSS JOIN LATERAL jsonb_each_text(p.attributes) AS a
      UNION
      SELECT chosen.id, o.key, o.value
      FROM chosen JOIN variants v ON v.product_id = chosen.id CROSS JOIN LATERAL jsonb_each_text(v.options) AS o) x
GROUP BY x.name, x.value
ORDER BY facet, name, products DESC, value

-- name: category_tree
-- Caller: reading.categories. Locks: none. Rows: <= 5,000 categories with the published products below each.
WITH RECURSIVE upward AS (
    SELECT pc.product_id, c.id, c.parent_id
    FROM product_categories pc
    JOIN products p ON p.id = pc.product_id AND p.status = 'published'
    JOIN categories c ON c.id = pc.category_id
    UNION
    SELECT u.product_id, c.id, c.parent_id FROM upward u JOIN categories c ON c.id = u.parent_id
)
SELECT c.id::text AS id, c.slug, c.name, parent.slug AS parent, coalesce(n.products, 0) AS products
FROM categories c
LEFT JOIN categories parent ON parent.id = c.parent_id
LEFT JOIN (SELECT id, count(*)::int AS products FROM upward GROUP BY id) n ON n.id = c.id
ORDER BY c.position, c.slug
LIMIT 5000

-- name: sku_availability
-- Caller: reading.availability. Index: variants.sku. Locks: none. Rows: 0 or 1.
SELECT v.item_id, v.sku, v.product_id::text AS product_id, s.on_hand, s.reserved, s.backorder_limit
FROM variants v
JOIN products p ON p.id = v.product_id AND p.status = 'published'
JOIN stock s ON s.item_id = v.item_id
WHERE v.sku = $1

-- name: sku_barcode
-- Caller: reading.barcode. Index: variants.sku. Locks: none. Rows: 0 or 1.
SELECT v.sku, v.barcode, v.product_id::text AS product_id
FROM variants v JOIN products p ON p.id = v.product_id AND p.status = 'published'
WHERE v.sku = $1

-- name: lock_stock_of
-- Caller: write.upsert_products, first of its transaction. Index: products.slug, variants_product, variants.sku.
-- Locks: stock rows by item_id, the committer's order, before any trigger needs them. Rows: variants of one batch.
SELECT s.item_id
FROM stock s
WHERE s.item_id IN (
    SELECT v.item_id FROM variants v
    WHERE v.sku = ANY ($2::text[])
       OR v.product_id IN (SELECT p.id FROM products p WHERE p.slug = ANY ($1::text[])))
ORDER BY s.item_id
FOR NO KEY UPDATE

-- name: owners_of_skus
-- Caller: write.upsert_products. Index: variants.sku. Locks: none. Rows: <= the SKUs of one batch.
SELECT v.sku, v.item_id, p.slug
FROM variants v JOIN products p ON p.id = v.product_id
WHERE v.sku = ANY ($1::text[])

-- name: write_categories
-- Caller: write.upsert_categories, parents before children. Index: categories.slug. Locks: none. Rows: one level of the tree.
INSERT INTO categories AS c (id, parent_id, slug, name, position)
SELECT d.id, parent.id, d.slug, d.name, d.position
FROM jsonb_to_recordset($1::jsonb) AS d(id uuid, parent text, slug text, name text, position int)
LEFT JOIN categories parent ON parent.slug = d.parent
ORDER BY d.slug
ON CONFLICT (slug) DO UPDATE SET name = EXCLUDED.name, parent_id = EXCLUDED.parent_id, position = EXCLUDED.position
WHERE (c.name, c.parent_id, c.position) IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.parent_id, EXCLUDED.position)
RETURNING c.slug

-- name: write_products
-- Caller: write.upsert_products. Index: products.slug. Locks: product rows by slug. Rows: the products that changed.
-- An archived product stays archived: only publish.py brings it back.
INSERT INTO products AS p
    (id, slug, title, description, vendor, status, tags, attributes, images, tax_class, published_at)
SELECT d.id, d.slug, d.title, d.description, d.vendor, d.status, d.tags, d.attributes, d.images, d.tax_class,
       CASE WHEN d.status = 'published' THEN clock_timestamp() END
FROM jsonb_to_recordset($1::jsonb) AS d(id uuid, slug text, title text, description text, vendor text, status text,
                                        tags text[], attributes jsonb, images jsonb, tax_class text)
ORDER BY d.slug
ON CONFLICT (slug) DO UPDATE SET
    title = EXCLUDED.title, description = EXCLUDED.description, vendor = EXCLUDED.vendor, tags = EXCLUDED.tags,
    attributes = EXCLUDED.attributes, images = EXCLUDED.images, tax_class = EXCLUDED.tax_class,
    status = CASE WHEN p.status = 'archived' THEN p.status ELSE EXCLUDED.status END,
    published_at = coalesce(p.published_at, EXCLUDED.published_at),
    version = p.version + 1, updated_at = now()
WHERE (p.title, p.description, p.vendor, p.tags, p.attributes, p.images, p.tax_class)
      IS DISTINCT FROM (EXCLUDED.title, EXCLUDED.description, EXCLUDED.vendor, EXCLUDED.tags, EXCLUDED.attributes,
                        EXCLUDED.images, EXCLUDED.tax_class)
   OR (p.status <> 'archived' AND p.status <> EXCLUDED.status)
RETURNING p.slug, p.version = 1 AS created

-- name: products_by_slug
-- Caller: write.upsert_products. Index: products.slug. Locks: none. Rows: <= the products of one batch.
SELECT id, slug FROM products WHERE slug = ANY ($1::text[])

-- name: new_item_ids
-- Caller: write.upsert_products. Locks: none. Rows: $1, the new SKUs of one batch.
SELECT nextval(pg_get_serial_sequence('stock', 'item_id')) FROM generate_series(1, $1::int)

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
-- Caller: write.upsert_products, for SKUs that exist. Index: stock pkey. Locks: held since lock_stock_of.
-- Rows: those that change. Units already promised stay promised: the limit is not lowered below them.
WITH draft AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, backorder_limit int)
), changed AS (
    UPDATE stock s SET backorder_limit = greatest(d.backorder_limit, s.reserved - s.on_hand)
    FROM draft d
    WHERE s.item_id = d.item_id AND s.backorder_limit <> greatest(d.backorder_limit, s.reserved - s.on_hand)
    RETURNING s.item_id
)
INSERT INTO gate_suspects (item_id) SELECT item_id FROM changed ORDER BY item_id
ON CONFLICT (item_id) DO UPDATE SET since = EXCLUDED.since
RETURNING item_id

-- name: write_variants
-- Caller: write.upsert_products. Index: variants.sku. Locks: variant rows by item. Rows: the variants that changed.
INSERT INTO variants AS v
    (item_id, product_id, sku, barcode, title, options, weight_g, requires_shipping, position)
SELECT d.item_id, d.product_id, d.sku, d.barcode, d.title, d.options, d.weight_g, d.requires_shipping, d.position
FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, product_id uuid, sku text, barcode text, title text, options jsonb,
                                        weight_g int, requires_shipping boolean, position int)
ORDER BY d.item_id
ON CONFLICT (sku) DO UPDATE SET
    barcode = EXCLUDED.barcode, title = EXCLUDED.title, options = EXCLUDED.options, weight_g = EXCLUDED.weight_g,
    requires_shipping = EXCLUDED.requires_shipping, position = EXCLUDED.position
WHERE (v.barcode, v.title, v.options, v.weight_g, v.requires_shipping, v.position)
      IS DISTINCT FROM (EXCLUDED.barcode, EXCLUDED.title, EXCLUDED.options, EXCLUDED.weight_g,
                        EXCLUDED.requires_shipping, EXCLUDED.position)
RETURNING v.sku

-- name: write_prices
-- Caller: write.upsert_products, write.set_prices. Index: prices pkey. Locks: price rows by item. Rows: those that changed.
INSERT INTO prices AS r (item_id, currency, amount_minor, compare_at_minor)
SELECT d.item_id, d.currency, d.amount_minor, d.compare_at_minor
FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, currency text, amount_minor bigint, compare_at_minor bigint)
ORDER BY d.item_id, d.currency
ON CONFLICT (item_id, currency) DO UPDATE SET
    amount_minor = EXCLUDED.amount_minor, compare_at_minor = EXCLUDED.compare_at_minor
WHERE (r.amount_minor, r.compare_at_minor) IS DISTINCT FROM (EXCLUDED.amount_minor, EXCLUDED.compare_at_minor)
RETURNING r.item_id

-- name: write_memberships
-- Caller: write.upsert_products. Index: product_categories both ways. Locks: product rows whose categories changed (their
-- version moves, which tells the caches). Rows: those products. $2: products of the batch, $3: those made in it.
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
WHERE id IN (SELECT product_id FROM gone UNION SELECT product_id FROM added) AND id <> ALL ($3::uuid[])
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
UPDATE products SET status = 'published', archived_at = NULL, published_at = coalesce(published_at, now()),
                    version = version + 1, updated_at = now()
WHERE id = ANY ($1::uuid[]) AND status <> 'published'
RETURNING id

-- name: archive_products
-- Caller: archive.archive. Index: products pkey. Locks: product rows. Rows: those that were not archived.
UPDATE products SET status = 'archived', archived_at = now(), version = version + 1, updated_at = now()
WHERE id = ANY ($1::uuid[]) AND status <> 'archived'
RETURNING id

-- name: items_of_skus
-- Caller: write.set_prices. Index: variants.sku. Locks: stock rows by item_id. Rows: <= the SKUs asked for.
SELECT v.sku, s.item_id
FROM variants v JOIN stock s ON s.item_id = v.item_id
WHERE v.sku = ANY ($1::text[])
ORDER BY s.item_id
FOR NO KEY UPDATE OF s
