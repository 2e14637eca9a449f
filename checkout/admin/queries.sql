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
