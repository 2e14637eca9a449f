"""The statements that bring the test shop's orders to their states, each as one commit."""

FINISH = """
WITH o AS (
    UPDATE orders SET status = 'booked', paid_at = now(), timeline_seq = 3 WHERE id = $1 RETURNING *
), p AS (
    INSERT INTO payments (id, order_id, attempt, provider, method, provider_ref, amount_minor, currency, status, settled_at)
    SELECT gen_random_uuid(), id, 1, 'stripe', 'pm_card_visa', $2, total_minor, currency, 'succeeded', now() FROM o
), e AS (
    INSERT INTO order_events (order_id, seq, status)
    SELECT o.id, n + 1, s FROM o, (VALUES (1, 'paid'), (2, 'booked')) AS v (n, s)
), serie AS (
    INSERT INTO invoice_series (series, next_number) VALUES ('T', 2)
    ON CONFLICT (series) DO UPDATE SET next_number = invoice_series.next_number + 1 RETURNING next_number - 1 AS number
), i AS (
    INSERT INTO invoices (id, series, number, order_id, document, pdf)
    SELECT gen_random_uuid(), 'T', serie.number, o.id, '{}', 'pdf' FROM o, serie
), s AS (
    INSERT INTO shipments (id, order_id, carrier, tracking_number) SELECT gen_random_uuid(), id, 'dhl', 'T' || number FROM o
), n AS (
    INSERT INTO notifications_sent (order_id, kind, message_id) SELECT id, 'confirmation', 'm' FROM o
)
DELETE FROM outbox WHERE subject_id = $1"""
"""What workers would have done to order $1, in one commit: paid, invoiced, booked, told. $2 attempt's reference."""

FAIL_PAYMENT = """
WITH o AS (
    UPDATE orders SET status = 'payment_failed', timeline_seq = 2 WHERE id = $1 RETURNING *
), p AS (
    INSERT INTO payments (id, order_id, attempt, provider, method, amount_minor, currency, status, decline_code)
    SELECT gen_random_uuid(), id, 1, 'stripe', 'pm_card_chargeDeclined', total_minor, currency, 'declined', 'generic_decline'
    FROM o
), e AS (
    INSERT INTO order_events (order_id, seq, status) SELECT id, 2, 'payment_failed' FROM o
)
DELETE FROM outbox WHERE subject_id = $1"""
"""A declined payment: nothing is owed until the shopper tries again."""

ASK_SHOPPER = """
WITH o AS (UPDATE orders SET status = 'action_required', timeline_seq = 2 WHERE id = $1 RETURNING id)
INSERT INTO order_events (order_id, seq, status) SELECT id, 2, 'action_required' FROM o"""
"""A payment that waits for its shopper keeps its outbox row."""

CANCEL = """
WITH o AS (
    UPDATE orders SET status = 'cancelled', cancelled_at = now(), timeline_seq = 2 WHERE id = $1 RETURNING id
), e AS (
    INSERT INTO order_events (order_id, seq, status) SELECT id, 2, 'cancelled' FROM o
), m AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta, order_id)
    SELECT gen_random_uuid(), item_id, 'release', -quantity, order_id FROM order_lines WHERE order_id = $1
    RETURNING item_id, reserved_delta
), r AS (
    UPDATE stock SET reserved = reserved + m.reserved_delta FROM m WHERE stock.item_id = m.item_id
)
DELETE FROM outbox WHERE subject_id = $1"""
"""A cancelled order whose units went back."""

OWED_LATER = """
UPDATE outbox SET created_at = now() + interval '1 hour' WHERE subject_id = $1"""
"""Work that was owed after the audit began."""

LEDGER = """
SELECT order_id, count(*) AS charges, sum(amount_minor)::bigint AS charged, sum(refunded_minor)::bigint AS refunded
FROM payments WHERE status IN ('succeeded', 'refunded') GROUP BY order_id"""

LIMITED_COUPON = """
WITH s AS (
    INSERT INTO stock (kind, on_hand, reserved) VALUES ('coupon', 1, 1) RETURNING item_id
), m AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
    SELECT gen_random_uuid(), item_id, 'receipt', 1 FROM s
), l AS (
    INSERT INTO order_lines (order_id, line_no, item_id, quantity, unit_minor) SELECT $1, 9, item_id, 1, 0 FROM s
)
INSERT INTO coupons (code, kind, item_id, percent_bp) SELECT 'ONCE', 'percent', item_id, 1000 FROM s"""
"""A coupon that may be redeemed once and was, by order $1."""
