-- name: all_coupons
-- Caller: load_rulebook, in its snapshot. Active coupons; those that expired more than a day ago stay out.
SELECT c.id, c.code, c.kind, c.percent_bp, c.amount_minor, c.currency, c.min_subtotal_minor, c.item_id,
       c.per_customer_limit, s.offer_version,
       (extract(epoch FROM c.valid_from) * 1000)::bigint AS valid_from_ms,
       (extract(epoch FROM c.valid_until) * 1000)::bigint AS valid_until_ms
FROM coupons c LEFT JOIN stock s USING (item_id)
WHERE c.active AND (c.valid_until IS NULL OR c.valid_until > now() - interval '1 day')
ORDER BY c.code

-- name: add_coupon
-- Caller: add_coupon, in its transaction. One row; none when the code is taken.
INSERT INTO coupons (code, kind, percent_bp, amount_minor, currency, min_subtotal_minor, per_customer_limit,
                     valid_from, valid_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::bigint / 1000.0), to_timestamp($9::bigint / 1000.0))
ON CONFLICT (code) DO NOTHING RETURNING id

-- name: add_counter
-- Caller: add_coupon, CustomerCounters.counter, in their transactions. One row of stock with its receipt and its suspect.
WITH counter AS (
    INSERT INTO stock (kind, on_hand) VALUES ($1::text, $2::int) RETURNING item_id
), moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, reason)
    SELECT $3, item_id, 'receipt', $2, 'redemption limit' FROM counter
), suspect AS (
    INSERT INTO gate_suspects (item_id) SELECT item_id FROM counter WHERE $1 = 'coupon' ON CONFLICT (item_id) DO NOTHING
)
SELECT item_id FROM counter

-- name: limit_coupon
-- Caller: add_coupon, in its transaction. One row by primary key.
UPDATE coupons SET item_id = $2 WHERE id = $1

-- name: customer_counter
-- Caller: CustomerCounters.counter. One row by primary key.
SELECT item_id FROM coupon_customers WHERE coupon_id = $1 AND customer_key = $2

-- name: lock_customer
-- Caller: CustomerCounters.counter, in its transaction, before it makes counters: one maker per customer at a time.
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 7237002))

-- name: add_customer_counter
-- Caller: CustomerCounters.counter, in its transaction, under lock_customer.
INSERT INTO coupon_customers (coupon_id, customer_key, item_id) VALUES ($1, $2, $3)
