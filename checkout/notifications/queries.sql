-- name: order_to_tell
-- Caller: confirm. By primary key.
SELECT o.id, o.number, o.email, o.currency, o.subtotal_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.total_minor,
       o.document, o.paid_at,
       EXISTS (SELECT FROM notifications_sent n WHERE n.order_id = o.id AND n.kind = $2 AND n.channel = 'email') AS is_sent
FROM orders o WHERE o.id = $1

-- name: sent
-- Caller: confirm. Remembers the mail and finishes outbox row $4 in one commit.
WITH done AS (DELETE FROM outbox WHERE id = $4)
INSERT INTO notifications_sent (order_id, kind, message_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
