-- name: orders_since
-- Caller: stats. Orders placed since the UUIDv7 $1, by primary key (ids are time-ordered), at most $2 rows are read.
SELECT status, currency, count(*) AS orders, sum(total_minor)::bigint AS total_minor
FROM (SELECT status, currency, total_minor FROM orders WHERE id >= $1 ORDER BY id DESC LIMIT $2) o
GROUP BY status, currency

-- name: low_stock
-- Caller: stats, at most every half minute. Variants with $1 units or fewer to be had; reads the whole table.
SELECT count(*) FILTER (WHERE on_hand + backorder_limit - reserved <= 0) AS sold_out,
       count(*) FILTER (WHERE on_hand + backorder_limit - reserved BETWEEN 1 AND $1) AS low
FROM stock WHERE kind = 'variant'

-- name: gate
-- Caller: stats. One row, and the suspects counted up to 10,000.
SELECT epoch, built_at, (SELECT count(*) FROM (SELECT FROM gate_suspects LIMIT 10000) s) AS suspects FROM gate_state

-- name: earlier_answer
-- Caller: adjust. By primary key.
SELECT fingerprint, answer FROM admin_requests WHERE key = $1

-- name: lock_unit
-- Caller: adjust. One row by variants_sku_key, of owner $2 when one is given; locks its stock row.
SELECT s.item_id, s.on_hand, s.reserved, s.backorder_limit
FROM stock s JOIN variants v USING (item_id) JOIN products p ON p.id = v.product_id
WHERE v.sku = $1 AND ($2::uuid IS NULL OR p.owner_id = $2) FOR NO KEY UPDATE OF s

-- name: adjust
-- Caller: adjust, with the row locked, in one transaction with keep_answer. A delta of 0 moves nothing.
WITH moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, location, reason, actor)
    SELECT $1, $2, 'adjustment', $3, $4, $5, $6 WHERE $3 <> 0
), suspect AS (
    INSERT INTO gate_suspects (item_id) VALUES ($2) ON CONFLICT (item_id) DO NOTHING
), logged AS (
    INSERT INTO audit_log (actor, action, subject, after)
    VALUES ($6, 'stock.adjust', $7, json_build_object('delta', $3::int, 'location', $4::text, 'reason', $5::text))
)
UPDATE stock SET on_hand = on_hand + $3 WHERE item_id = $2
RETURNING on_hand, reserved, on_hand + backorder_limit - reserved AS available

-- name: keep_answer
-- Caller: adjust, last. Trips admin_requests_pkey when another request with the key was faster.
INSERT INTO admin_requests (key, fingerprint, answer) VALUES ($1, $2, $3::json)
