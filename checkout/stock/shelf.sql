-- What admins and vendors read of stock. Nothing here locks.

-- name: list_stock
-- Caller: GET stock. Index: variants_sku_bytes from the last SKU on, within the prefix $2; stock, policy and location by
-- primary keys. At most $7 rows; with $5 (low) or $3 (owner) it reads on until it has found them, at worst all variants.
-- $4 location: only what lies there. $6: the threshold of a SKU that has none of its own.
SELECT v.sku, v.item_id, p.id::text AS product_id, p.title AS product_title, v.title, s.on_hand, s.reserved,
       s.backorder_limit, coalesce(o.safety_stock, 0) AS safety_stock, o.backorder, o.preorder_units,
       coalesce(o.low_at, $6) AS low_at, l.on_hand AS location_on_hand
FROM variants v
JOIN products p ON p.id = v.product_id
JOIN stock s ON s.item_id = v.item_id
LEFT JOIN stock_policies o ON o.item_id = v.item_id
LEFT JOIN location_stock l ON l.item_id = v.item_id AND l.location = $4
WHERE v.sku COLLATE "C" > $1 AND v.sku COLLATE "C" >= $2 AND v.sku COLLATE "C" < $2 || '~'
  AND ($3::uuid IS NULL OR p.owner_id = $3)
  AND ($4::text IS NULL OR l.on_hand > 0)
  AND (NOT $5 OR s.on_hand - s.reserved - coalesce(o.safety_stock, 0) <= coalesce(o.low_at, $6))
ORDER BY v.sku COLLATE "C" LIMIT $7

-- name: stock_of_sku
-- Caller: GET stock of a SKU. By variants_sku_key and primary keys, one row; with $2, of a product of this owner alone.
SELECT v.sku, v.item_id, p.id::text AS product_id, p.title AS product_title, v.title, s.on_hand, s.reserved, s.backorder_limit,
       o.item_id IS NOT NULL AS has_policy, o.backorder, o.safety_stock, o.preorder_units, o.preorder_until, o.low_at, o.version
FROM variants v
JOIN products p ON p.id = v.product_id
JOIN stock s ON s.item_id = v.item_id
LEFT JOIN stock_policies o ON o.item_id = v.item_id
WHERE v.sku = $1 AND ($2::uuid IS NULL OR p.owner_id = $2)

-- name: stock_by_location
-- Caller: GET stock of a SKU. By primary key; at most LOCATIONS_MAX rows.
SELECT location, on_hand, allocated FROM location_stock WHERE item_id = $1 ORDER BY location

-- name: movements
-- Caller: GET movements. By stock_movements_item, newest first, before id $2, at most $3.
SELECT id, movement_id, kind, on_hand_delta, reserved_delta, order_id, location, reason, actor, document_id, at
FROM stock_movements WHERE item_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
