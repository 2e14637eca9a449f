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

-- name: unwatched
-- Caller: mass. No triggers and no foreign keys for this connection: they would cost more than the rows, and change nothing.
SET session_replication_role = replica

-- name: searchable
-- Caller: assortment, after each part. By the primary keys of the tables that the products' rows are made of.
SELECT search_refresh($1::uuid[])

-- name: highest_item
-- Caller: mass. By the primary key's end.
SELECT coalesce(max(item_id), 0) FROM stock

-- name: highest_number
-- Caller: mass. By orders_number's end; at least the sequence's start.
SELECT greatest(coalesce(max(number), 0), 100000) FROM orders

-- name: next_item
-- Caller: mass, after the rows. By the primary key's end.
SELECT setval(pg_get_serial_sequence('stock', 'item_id'), (SELECT max(item_id) FROM stock))

-- name: next_number
-- Caller: mass, after the rows. By orders_number's end; beyond what a connection may have cached.
SELECT setval('order_number', (SELECT greatest(coalesce(max(number), 0), 100000) + 1000 FROM orders))

-- name: mass_months
-- Caller: mass, before the rows. Months since $1; keys older than $2 seconds count as forgotten.
WITH forgotten AS (UPDATE claims_kept SET since = uuid_at(now() - make_interval(secs => $2)))
SELECT make_order_months($1::timestamptz::date, now()::date)

-- name: mass_orders
-- Caller: mass. Orders number $1 to $1 + $2 - 1 of two lines, $4 seconds apart from $3 (ms) on, cancelled; over $6 items from $5 on, at $7 each,
-- with document $8. Claims only of those whose keys are kept.
WITH made AS MATERIALIZED (
    SELECT n, to_timestamp(ms / 1000.0::float8) AS at,
           (lpad(to_hex(ms), 12, '0') || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid AS id,
           gen_random_uuid() AS claim_id, (hashint8(n)::bigint & 2147483647) % $6::bigint AS pick
    FROM (SELECT n, ($3::bigint + $4::float8 * 1000 * (n - $1::bigint))::bigint AS ms
          FROM generate_series($1::bigint, $1::bigint + $2::bigint - 1) n) s
), claims AS (
    INSERT INTO order_claims (claim_id, order_id, fingerprint)
    SELECT claim_id, id, claim_id FROM made WHERE id >= (SELECT since FROM claims_kept)
), lines AS (
    INSERT INTO order_lines (order_id, line_no, item_id, quantity, unit_minor)
    SELECT id, place, $5::bigint + (pick + place) % $6, 1, $7::bigint FROM made, generate_series(1, 2) place
), told AS (
    INSERT INTO order_events (order_id, seq, status, at) SELECT id, 2, 'cancelled', at + interval '15 minutes' FROM made
)
INSERT INTO orders (id, number, claim_id, email, country, currency, subtotal_minor, discount_minor, shipping_minor, tax_minor,
                    total_minor, document, payment_provider, payment_method, status, timeline_seq, placed_at, payment_deadline,
                    cancelled_at)
SELECT id, n, claim_id, 'buyer-' || n || '@example.com', 'DE', 'EUR', 2 * $7, 0, 0, 0, 2 * $7, $8::text::json, 'stripe',
       'pm_card_visa', 'cancelled', 2, at, at + interval '15 minutes', at + interval '15 minutes'
FROM made

-- name: release_history
-- Caller: mass, while nobody sells. What the ledger holds beyond `reserved` was in orders that were cancelled: one movement an item.
-- One scan of the ledger.
INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta, reason)
SELECT gen_random_uuid(), s.item_id, 'release', s.reserved - l.units, 'benchmark'
FROM (SELECT item_id, sum(reserved_delta)::int AS units FROM stock_ledger GROUP BY item_id) l
JOIN stock s USING (item_id) WHERE l.units <> s.reserved

-- name: known
-- Caller: mass, after the rows. Statistics, as autovacuum and the relay would make them a little later; and what is all visible.
VACUUM (ANALYZE)

-- name: written
-- Caller: mass, after the rows: the next run must not pay for them.
CHECKPOINT

-- name: database_size
-- Caller: growth, memory. In MiB.
SELECT pg_database_size(current_database()) / 1048576

-- name: doubt
-- Caller: afterwards, with the relay held still. Totals of orders whose payment was sent to a worker and is still owed; by outbox_subject
-- and the orders' primary key.
SELECT coalesce(sum(o.total_minor), 0)::bigint FROM orders o
WHERE EXISTS (SELECT FROM outbox w WHERE w.subject_id = o.id AND w.topic LIKE 'payment.%' AND w.attempts > 0)

-- name: next_segment
-- Caller: fill_the_log. A segment that holds nothing is not left.
SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()

-- name: checkpoint
-- Caller: fill_the_log.
CHECKPOINT
