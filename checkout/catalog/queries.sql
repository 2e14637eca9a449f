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
