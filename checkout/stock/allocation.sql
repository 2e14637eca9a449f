-- name: order_to_allocate
-- Caller: set_aside. By primary key; one row.
SELECT id, country, personal, document,
       EXISTS (SELECT FROM allocations a WHERE a.order_id = o.id) AS is_done
FROM orders o WHERE id = $1

-- name: units_of_order
-- Caller: set_aside. By order_lines_pkey; goods alone, coupons lie nowhere.
SELECT l.item_id, sum(l.quantity)::int AS units
FROM order_lines l JOIN stock s ON s.item_id = l.item_id AND s.kind = 'variant'
WHERE l.order_id = $1 GROUP BY l.item_id

-- name: lock_places
-- Caller: set_aside, in its transaction. By primary key: the order's SKUs at active locations. Locks them in the order of their keys, as
-- stock_moved does.
SELECT l.item_id, l.location, l.on_hand - l.allocated AS free, p.priority, p.country, p.region
FROM location_stock l JOIN locations p ON p.code = l.location
WHERE l.item_id = ANY ($1::bigint[]) AND p.active
ORDER BY l.item_id, l.location FOR NO KEY UPDATE OF l

-- name: set_aside
-- Caller: set_aside, last, with the places locked. One element an item and location; $5 where the shipment leaves from, or null.
-- Finishes outbox row $6. Trips allocations_pkey when another worker was faster.
WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::int[]) AS g (item_id, location, units)
), kept AS (
    INSERT INTO allocations (order_id, item_id, location, units) SELECT $1, item_id, location, units FROM given
), aside AS (
    UPDATE location_stock l SET allocated = l.allocated + g.units
    FROM given g WHERE l.item_id = g.item_id AND l.location = g.location
), leaves AS (
    UPDATE shipments SET location = $5::text WHERE order_id = $1 AND $5::text IS NOT NULL
)
DELETE FROM outbox WHERE id = $6
