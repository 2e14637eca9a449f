-- name: orders_to_ship
-- Caller: book. At most RELAY_GROUP_MAX orders by primary key.
SELECT id, number, status, timeline_seq, personal, email, currency, total_minor, document,
       EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id) AS is_booked
FROM orders o WHERE id = ANY ($1::uuid[])

-- name: book
-- Caller: book. At most RELAY_GROUP_MAX orders, each once, one element each. Locks the orders' rows first, in the order of their ids; does
-- nothing for one that is not paid or not at version $2 any more. $5 null: nothing to ship. Finishes outbox rows $8. Gives the booked.
-- Where there is one active location the shipment leaves from it; of several one is chosen by who is then owed the allocation.
WITH asked AS (
    SELECT a.* FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[])
        AS a (order_id, version, shipment_id, carrier, tracking_number, personal, detail, row_id)
), locked AS (
    SELECT o.id FROM orders o WHERE o.id = ANY ($1::uuid[]) ORDER BY o.id FOR NO KEY UPDATE
), moved AS (
    UPDATE orders o SET status = 'booked', timeline_seq = o.timeline_seq + 1
    FROM asked a JOIN locked l ON l.id = a.order_id
    WHERE o.id = l.id AND o.timeline_seq = a.version AND o.status = 'paid'
    RETURNING o.id, a.version, a.shipment_id, a.carrier, a.tracking_number, a.personal, a.detail, a.row_id
), shipped AS (
    INSERT INTO shipments (id, order_id, carrier, tracking_number, personal, location)
    SELECT shipment_id, id, carrier, tracking_number, personal, p.only_place
    FROM moved, (SELECT CASE WHEN count(*) = 1 THEN min(code) END AS only_place FROM locations WHERE active) p
    WHERE tracking_number IS NOT NULL
), allocates AS (
    INSERT INTO outbox (topic, subject_id)
    SELECT 'stock.allocate', id FROM moved
    WHERE tracking_number IS NOT NULL AND (SELECT count(*) FROM locations WHERE active) > 1
), outsiders AS (
    INSERT INTO outbox (topic, subject_id, payload)
    SELECT 'webhook.send', h.id, order_told(m.id, 'booked')
    FROM webhook_endpoints h, moved m WHERE h.active AND 'order.booked' = ANY (h.events)
), told AS (
    INSERT INTO order_events (order_id, seq, status, detail) SELECT id, version + 1, 'booked', detail::json FROM moved
), done AS (
    DELETE FROM outbox o USING moved m WHERE o.id = m.row_id
)
SELECT id FROM moved
