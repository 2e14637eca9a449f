-- The catalogue's reads. What writes it is in write.sql.

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
WHERE v.sku = ANY ($1::text[]) AND v.archived_at IS NULL

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
        FROM variants v JOIN stock s ON s.item_id = v.item_id
        WHERE v.product_id = p.id AND v.archived_at IS NULL) AS variants
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
                     OR EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND v.archived_at IS NULL AND v.options @> a.text::jsonb)))
      AND (cardinality($4::text[]) = 0
           OR concat_ws(' ', p.title, p.vendor, p.description, array_to_string(p.tags, ' ')) ILIKE ALL ($4::text[])
           OR EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id AND v.archived_at IS NULL AND (v.sku = $5 OR v.barcode = $5)))
), keyed AS (
    SELECT m.id,
           CASE $6::text WHEN 'price' THEN price.lowest WHEN '-price' THEN -price.lowest WHEN 'title' THEN 0
                ELSE -(extract(epoch FROM m.published_at) * 1000000)::bigint END AS key_number,
           (CASE WHEN $6 = 'title' THEN lower(m.title) ELSE '' END) COLLATE "C" AS key_text
    FROM matching m
    LEFT JOIN LATERAL (
        SELECT min(r.amount_minor) AS lowest
        FROM variants v JOIN prices r ON r.item_id = v.item_id AND r.currency = $7
        WHERE v.product_id = m.id AND v.archived_at IS NULL) price ON $6 IN ('price', '-price')
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
              FROM variants v JOIN prices r ON r.item_id = v.item_id WHERE v.product_id = p.id AND v.archived_at IS NULL GROUP BY r.currency) x) AS prices,
       (SELECT json_agg(v.sku ORDER BY v.position, v.item_id) FROM variants v WHERE v.product_id = p.id AND v.archived_at IS NULL) AS skus,
       (SELECT coalesce(bool_or(s.reserved < s.on_hand + s.backorder_limit), false)
        FROM variants v JOIN stock s ON s.item_id = v.item_id WHERE v.product_id = p.id AND v.archived_at IS NULL) AS in_stock
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
      FROM chosen JOIN variants v ON v.product_id = chosen.id AND v.archived_at IS NULL CROSS JOIN LATERAL jsonb_each_text(v.options) AS o) x
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
WHERE v.sku = $1 AND v.archived_at IS NULL

-- name: sku_barcode
-- Caller: reading.barcode. Index: variants.sku. Locks: none. Rows: 0 or 1.
SELECT v.sku, v.barcode, v.product_id::text AS product_id
FROM variants v JOIN products p ON p.id = v.product_id AND p.status = 'published'
WHERE v.sku = $1 AND v.archived_at IS NULL
