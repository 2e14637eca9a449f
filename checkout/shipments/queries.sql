-- name: order_to_ship
-- Caller: book. By primary key.
SELECT id, number, status, timeline_seq, email, currency, total_minor, document,
       EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id) AS is_booked
FROM orders o WHERE id = $1

-- name: book
-- Caller: book. Locks the order's row first; does nothing unless it is paid and at version $2. $5 null: nothing to ship. Finishes outbox row $8.
WITH moved AS (
    UPDATE orders SET status = 'booked', timeline_seq = timeline_seq + 1
    WHERE id = $1 AND timeline_seq = $2 AND status = 'paid'
    RETURNING id
), shipped AS (
    INSERT INTO shipments (id, order_id, carrier, tracking_number, label_pdf)
    SELECT $3, id, $4, $5::text, $6 FROM moved WHERE $5::text IS NOT NULL
), told AS (
    INSERT INTO order_events (order_id, seq, status, detail) SELECT id, $2 + 1, 'booked', $7::json FROM moved
), done AS (
    DELETE FROM outbox WHERE id = $8 AND EXISTS (SELECT FROM moved)
)
SELECT EXISTS (SELECT FROM moved)
