-- name: place_batch
-- Caller: Committer. One statement, one commit, up to BATCH_MAX orders sorted by claim_id: $1 the orders, $2 their lines; $3: the
-- orders that no gate admitted; $4: how long payment may take, in s.
-- Locks: the indexes of order_claims in claim order, then stock rows in item order, once per item (the planner meets `demand` in
-- its order row by row: tests/plans holds that).
-- An order whose claim or cart exists is left out; a stale offer or a lack of stock trips stock_never_oversold and fails all.
-- Claims come first: their indexes see all months, those of orders see one.
WITH asked AS (
    SELECT * FROM unnest($1::draft_order[])
), claimed AS (
    INSERT INTO order_claims (order_id, claim_id, fingerprint, cart_id)
    SELECT id, claim_id, fingerprint, cart_id FROM asked
    ON CONFLICT DO NOTHING
    RETURNING order_id
), placed AS (
    INSERT INTO orders (id, claim_id, account_id, cart_id, personal, email_index, country, currency,
                        subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor,
                        document, payment_provider, payment_method, payment_deadline)
    SELECT id, claim_id, account_id, cart_id, personal, email_index, country, currency,
           subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor,
           document, payment_provider, payment_method, now() + make_interval(secs => $4::float8)
    FROM asked JOIN claimed ON order_id = id
    RETURNING id, number, placed_at, payment_deadline
), wanted AS (
    SELECT l.* FROM unnest($2::draft_line[]) l JOIN placed p ON p.id = l.order_id
), demand AS (
    SELECT item_id, sum(quantity)::int AS quantity, min(offer_version) AS oldest, max(offer_version) AS newest
    FROM wanted GROUP BY item_id ORDER BY item_id
), taken AS (
    UPDATE stock s
    SET reserved = CASE WHEN d.oldest = s.offer_version AND d.newest = s.offer_version
                        THEN s.reserved + d.quantity ELSE -1 END
    FROM demand d WHERE s.item_id = d.item_id
), lines AS (
    INSERT INTO order_lines (order_id, line_no, item_id, quantity, unit_minor)
    SELECT order_id, line_no, item_id, quantity, unit_minor FROM wanted
), suspects AS (
    INSERT INTO gate_suspects (item_id)
    SELECT DISTINCT item_id FROM wanted WHERE order_id = ANY ($3::uuid[]) ORDER BY 1
    ON CONFLICT DO NOTHING
), sent AS (
    INSERT INTO outbox (topic, subject_id) SELECT 'payment.capture', id FROM placed
)
SELECT array_agg(id), array_agg(number), min(placed_at), min(payment_deadline) FROM placed -- one moment for all of a batch

-- name: orders_by_claim
-- Caller: Committer (conflicts, lost answers), place (retried keys). By order_claims_pkey, then orders by id in their month; as many
-- rows as asked.
SELECT c.claim_id, o.id, c.fingerprint, o.number, o.placed_at, o.payment_deadline
FROM order_claims c JOIN orders o ON o.id = c.order_id
WHERE c.claim_id = ANY ($1::uuid[])

-- name: stock_of
-- Caller: Committer, after a refusal. By primary key.
SELECT item_id, on_hand + backorder_limit - reserved AS available, offer_version
FROM stock WHERE item_id = ANY ($1::bigint[])

-- name: orders_by_id
-- Caller: GET order, replay: all that are asked for at once. By primary key, each in its month (`= ANY` would search all months).
SELECT o.* FROM unnest($1::uuid[]) AS asked (order_id)
CROSS JOIN LATERAL (
    SELECT id, number, account_id, personal, email, currency, subtotal_minor, discount_minor, shipping_minor, tax_minor,
           total_minor, document, payment_provider, payment_method, status, timeline_seq, placed_at, payment_deadline, paid_at,
           cancelled_at
    FROM orders WHERE id = asked.order_id LIMIT 1
) o

-- name: payments_of
-- Caller: GET order. By payments (order_id, attempt); at most PAYMENT_ATTEMPTS_MAX rows an order.
SELECT order_id, attempt, provider, method, amount_minor, refunded_minor, currency, status, client_secret, action_url, decline_code
FROM payments WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id, attempt

-- name: shipments_of
-- Caller: GET order. By shipments_order_id_key.
SELECT order_id, id, carrier, tracking_number, status, booked_at FROM shipments WHERE order_id = ANY ($1::uuid[])

-- name: events_of
-- Caller: GET order. By primary key, after seq $2; at most 500 rows an order.
SELECT e.order_id, e.seq, e.status, e.detail, e.at
FROM unnest($1::uuid[]) AS asked (order_id)
CROSS JOIN LATERAL (
    SELECT order_id, seq, status, detail, at FROM order_events
    WHERE order_id = asked.order_id AND seq > $2 ORDER BY seq LIMIT 500
) e

-- name: invoices_of
-- Caller: GET order. By invoices_order_id_key.
SELECT order_id, series, number, issued_at FROM invoices WHERE order_id = ANY ($1::uuid[])
