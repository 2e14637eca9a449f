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

-- name: limit_of
-- Caller: CustomerCounters.counter, in its transaction, under lock_customer. By primary key; the limit stays until the commit.
SELECT per_customer_limit FROM coupons WHERE id = $1 FOR SHARE

-- name: coupons_page
-- Caller: GET coupons. By coupons_code_key, after code $1, at most $2 rows, each with its counter by primary key.
SELECT c.id, c.code, c.kind, c.percent_bp, c.amount_minor, c.currency, c.min_subtotal_minor, c.per_customer_limit, c.valid_from,
       c.valid_until, c.active, c.version, s.on_hand AS max_uses, s.reserved AS used
FROM coupons c LEFT JOIN stock s USING (item_id) WHERE c.code > $1 ORDER BY c.code LIMIT $2

-- name: coupon
-- Caller: GET coupon; POST and PUT coupon, to answer. By coupons_code_key, with its counter by primary key.
SELECT c.id, c.code, c.kind, c.percent_bp, c.amount_minor, c.currency, c.min_subtotal_minor, c.per_customer_limit, c.valid_from,
       c.valid_until, c.active, c.version, s.on_hand AS max_uses, s.reserved AS used
FROM coupons c LEFT JOIN stock s USING (item_id) WHERE c.code = $1

-- name: lock_coupon
-- Caller: PUT and DELETE coupon, first. By coupons_code_key. Locks the coupon's row; what counts its uses is locked after it.
SELECT id, per_customer_limit, version, item_id FROM coupons WHERE code = $1 FOR UPDATE

-- name: lock_counters
-- Caller: PUT coupon, with the coupon's row locked. The counter $2 and, if $3, those of the customers of coupon $1, by primary key;
-- locks the rows in item order, as the committer does.
SELECT item_id, on_hand FROM stock
WHERE item_id = ANY (ARRAY(SELECT item_id FROM coupon_customers WHERE $3 AND coupon_id = $1) || $2::bigint)
ORDER BY item_id FOR NO KEY UPDATE

-- name: insert_coupon
-- Caller: POST coupons, in its transaction. One row; none when the code is taken.
INSERT INTO coupons (code, kind, percent_bp, amount_minor, currency, min_subtotal_minor, per_customer_limit, valid_from,
                     valid_until, active)
VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8::timestamptz, now()), $9, $10)
ON CONFLICT (code) DO NOTHING RETURNING id

-- name: change_coupon
-- Caller: PUT coupon, with the row locked. By primary key. Its trigger tells every process.
UPDATE coupons SET kind = $2, percent_bp = $3, amount_minor = $4, currency = $5, min_subtotal_minor = $6, per_customer_limit = $7,
       valid_from = coalesce($8::timestamptz, valid_from), valid_until = $9, active = $10, item_id = $11, version = version + 1
WHERE id = $1

-- name: move_counter
-- Caller: PUT coupon, with the counter locked. One row by primary key with its movement and its suspect; makes quotes that
-- were made before it stale. Trips stock_never_oversold when more uses are taken than would be allowed.
WITH moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, reason, actor)
    SELECT $3, $1, 'adjustment', $2, 'redemption limit', $4 WHERE $2::int <> 0
), suspect AS (
    INSERT INTO gate_suspects (item_id) VALUES ($1) ON CONFLICT (item_id) DO NOTHING
)
UPDATE stock SET on_hand = on_hand + $2, offer_version = offer_version + 1 WHERE item_id = $1

-- name: move_customer_counters
-- Caller: PUT coupon, when the limit per customer changed, with the counters locked; the coupon's lock keeps others from being made.
-- By primary key; trips stock_never_oversold as move_counter does. Bound: the coupon's customers.
WITH counters AS (
    SELECT s.item_id, $2 - s.on_hand AS delta FROM coupon_customers k JOIN stock s USING (item_id)
    WHERE k.coupon_id = $1 AND s.on_hand <> $2
), moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, reason, actor)
    SELECT gen_random_uuid(), item_id, 'adjustment', delta, 'redemption limit', $3 FROM counters
)
UPDATE stock s SET on_hand = s.on_hand + c.delta FROM counters c WHERE s.item_id = c.item_id

-- name: delete_coupon
-- Caller: DELETE coupon, with the row locked. By primary key, with its customers' counters' names. The counters stay: they are
-- part of the ledger.
DELETE FROM coupons WHERE id = $1
