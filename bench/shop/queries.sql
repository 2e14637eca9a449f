-- name: skus
-- Caller: bench, on a shop of its own. SKUs on sale in $1 whose stock is all there is (no back-orders), by number; at most $2.
SELECT v.sku, p.slug FROM variants v
JOIN stock s ON s.item_id = v.item_id AND s.backorder_limit = 0
JOIN products p ON p.id = v.product_id
JOIN prices c ON c.item_id = v.item_id AND c.currency = $1
WHERE p.status = 'published' ORDER BY v.item_id LIMIT $2

-- name: restock
-- Caller: bench, on a shop of its own. Brings variants to $2 units on hand ($1: these SKUs, or all when empty), by the ledger: stock rows
-- locked in item order, movement and suspect in the same commit.
WITH wanted AS MATERIALIZED (
    SELECT s.item_id, $2::int - s.on_hand AS delta FROM stock s JOIN variants v USING (item_id)
    WHERE (cardinality($1::text[]) = 0 OR v.sku = ANY ($1::text[])) AND s.on_hand <> $2
    ORDER BY s.item_id FOR NO KEY UPDATE OF s
), moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, reason)
    SELECT gen_random_uuid(), item_id, 'adjustment', delta, 'benchmark' FROM wanted
), suspect AS (
    INSERT INTO gate_suspects (item_id) SELECT item_id FROM wanted ORDER BY item_id ON CONFLICT DO NOTHING
)
UPDATE stock s SET on_hand = s.on_hand + w.delta FROM wanted w WHERE s.item_id = w.item_id

-- name: suspects
-- Caller: bench, until the gate knows the new stock.
SELECT count(*) FROM gate_suspects

-- name: count_orders
-- Caller: rows that place orders, before and after. One index-only scan.
SELECT count(*) FROM orders

-- name: owed
-- Caller: afterwards, drain; twice a second. One scan of the outbox: open rows by topic.
SELECT topic, count(*) AS rows FROM outbox WHERE parked_at IS NULL GROUP BY topic

-- name: sold_units
-- Caller: sale, after a drop. Lines of one item in orders that live; one scan of order_lines.
SELECT coalesce(sum(l.quantity), 0) FROM order_lines l
JOIN variants v ON v.item_id = l.item_id AND v.sku = $1
JOIN orders o ON o.id = l.order_id AND o.status <> 'cancelled'
