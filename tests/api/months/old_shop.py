"""Statements that fill a shop of the version before months: orders of five months, paid, waiting and cancelled."""

FILL = """
INSERT INTO stock (item_id, kind, on_hand, reserved) SELECT i, 'variant', 1000, 0 FROM generate_series(1, 20) i;
INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
SELECT gen_random_uuid(), item_id, 'receipt', on_hand FROM stock;
INSERT INTO orders (id, claim_id, fingerprint, cart_id, email, country, currency, subtotal_minor, discount_minor, shipping_minor,
                    tax_minor, total_minor, document, payment_provider, payment_method, status, timeline_seq, placed_at,
                    payment_deadline, paid_at, cancelled_at)
SELECT overlay(gen_random_uuid()::text PLACING left(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0'), 8) || '-'
               || right(to_hex((extract(epoch FROM at) * 1000)::bigint), 4) FROM 1)::uuid,
       md5('claim' || n)::uuid, md5('print' || n)::uuid, CASE WHEN n % 3 = 0 THEN 'cart' || n % 2 || lpad(n::text, 30, '0') END,
       'a@example.com', 'DE', 'EUR', 300, 0, 0, 0, 300,
       '{"lines": [{"unit_price": 100, "quantity": 3, "discount": 0}], "coupons": [], "taxes": [], "tax_included": 0}', 'stripe', 'pm',
       CASE n % 4 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'paid' ELSE 'payment_failed' END, 2, at, at + interval '1 hour',
       CASE WHEN n % 4 = 1 THEN at END, CASE WHEN n % 4 = 0 THEN at END
FROM (SELECT n, now() - n * interval '1 day' AS at FROM generate_series(0, 149) n) t;
INSERT INTO order_lines (order_id, line_no, item_id, quantity, unit_minor)
SELECT id, 1, 1 + number % 20, 3, 100 FROM orders;
INSERT INTO order_events (order_id, seq, status) SELECT id, 2, status FROM orders;
INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta, order_id)
SELECT md5('release' || id)::uuid, item_id, 'release', -3, order_id
FROM orders JOIN order_lines ON order_id = id WHERE status = 'cancelled';
UPDATE stock s SET reserved = l.units
FROM (SELECT item_id, sum(reserved_delta) AS units FROM stock_ledger GROUP BY item_id) l WHERE l.item_id = s.item_id;
INSERT INTO payments (id, order_id, attempt, provider, method, amount_minor, currency, status, settled_at)
SELECT gen_random_uuid(), id, 1, 'stripe', 'pm', total_minor, 'EUR', 'succeeded', paid_at FROM orders WHERE paid_at IS NOT NULL;
INSERT INTO outbox (topic, subject_id)
SELECT topic, id FROM orders, unnest(ARRAY['invoice.issue', 'shipment.book', 'order.confirm']) topic WHERE paid_at IS NOT NULL
"""

PARTITIONS = """
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = $1::text::regclass ORDER BY 1"""
