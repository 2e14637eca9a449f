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

-- name: offers_after
-- Caller: warming.Warming, page by page. Index: prices pkey, then pkeys. Locks: none. Rows: <= 100, in the order of items.
-- An item that is priced but not sold has a row without SKU, so that no page looks further than 100 items.
-- The limit is no parameter: a plan for any limit would read whole tables.
WITH page AS MATERIALIZED (
    SELECT item_id, currency, amount_minor FROM prices
    WHERE item_id > $1 AND currency = $2
    ORDER BY item_id
    LIMIT 100
)
SELECT r.item_id, v.sku, p.id::text AS product_id, p.slug,
       CASE WHEN v.title = '' THEN p.title ELSE p.title || ' – ' || v.title END AS title,
       r.currency, r.amount_minor, s.offer_version, p.tax_class, v.weight_g, v.requires_shipping
FROM page r
JOIN stock s ON s.item_id = r.item_id
LEFT JOIN (variants v JOIN products p ON p.id = v.product_id AND p.status = 'published')
       ON v.item_id = r.item_id AND v.archived_at IS NULL
ORDER BY r.item_id

-- name: product_by_key
-- Caller: reading.product. Index: products pkey, products.slug, variants_product, stock_policies pkey. Locks: none. Rows: 0 or 1.
SELECT p.id::text AS id, p.slug, p.title, p.description, p.vendor, p.tags, p.attributes, p.images, p.tax_class, p.version,
       p.published_at, p.updated_at,
       (SELECT coalesce(json_agg(json_build_object('slug', c.slug, 'name', c.name) ORDER BY c.position, c.slug), '[]')
        FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = p.id) AS categories,
       (SELECT json_build_object('average', round(r.stars::numeric / r.reviews, 2), 'count', r.reviews)
        FROM product_ratings r WHERE r.product_id = p.id AND r.reviews > 0) AS rating,
       (SELECT coalesce(json_agg(json_build_object(
                   'sku', v.sku, 'barcode', v.barcode, 'title', v.title, 'attributes', v.options,
                   'weight_g', v.weight_g, 'requires_shipping', v.requires_shipping,
                   'prices', (SELECT coalesce(json_object_agg(r.currency, r.amount_minor ORDER BY r.currency), '{}')
                              FROM prices r WHERE r.item_id = v.item_id),
                   'compare_at_prices', (SELECT coalesce(json_object_agg(r.currency, r.compare_at_minor ORDER BY r.currency), '{}')
                              FROM prices r WHERE r.item_id = v.item_id AND r.compare_at_minor IS NOT NULL),
                   'on_hand', s.on_hand, 'reserved', s.reserved, 'backorder_limit', s.backorder_limit,
                   'beyond', o.backorder + o.preorder_units,
                   'preorder_until', to_char(o.preorder_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
               ORDER BY v.position, v.item_id), '[]')
        FROM variants v JOIN stock s ON s.item_id = v.item_id LEFT JOIN stock_policies o ON o.item_id = v.item_id
        WHERE v.product_id = p.id AND v.archived_at IS NULL) AS variants
FROM products p
WHERE p.status = 'published' AND (p.slug = $1 OR p.id = $2::uuid)

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
SELECT v.item_id, v.sku, v.product_id::text AS product_id, s.on_hand, s.reserved, s.backorder_limit,
       o.backorder + o.preorder_units AS beyond,
       to_char(o.preorder_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS preorder_until
FROM variants v
JOIN products p ON p.id = v.product_id AND p.status = 'published'
JOIN stock s ON s.item_id = v.item_id
LEFT JOIN stock_policies o ON o.item_id = v.item_id
WHERE v.sku = $1 AND v.archived_at IS NULL

-- name: sku_barcode
-- Caller: reading.barcode. Index: variants.sku. Locks: none. Rows: 0 or 1.
SELECT v.sku, v.barcode, v.product_id::text AS product_id
FROM variants v JOIN products p ON p.id = v.product_id AND p.status = 'published'
WHERE v.sku = $1 AND v.archived_at IS NULL
