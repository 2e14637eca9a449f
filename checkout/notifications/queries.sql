-- name: orders_to_tell
-- Caller: confirm. One element a mail: $1 order, $2 kind; at most RELAY_GROUP_MAX orders by primary key.
SELECT o.id, w.kind, o.number, o.personal, o.email, o.currency, o.subtotal_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.total_minor,
       o.document, o.paid_at,
       EXISTS (SELECT FROM notifications_sent n WHERE n.order_id = o.id AND n.kind = w.kind AND n.channel = 'email') AS is_sent
FROM unnest($1::uuid[], $2::text[]) AS w (order_id, kind) JOIN orders o ON o.id = w.order_id

-- name: sent
-- Caller: confirm. One element a mail, at most RELAY_GROUP_MAX: remembers them and finishes the outbox rows $4 in one commit.
WITH done AS (DELETE FROM outbox WHERE id = ANY ($4::bigint[]))
INSERT INTO notifications_sent (order_id, kind, message_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING
