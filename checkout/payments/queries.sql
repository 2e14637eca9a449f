-- name: load
-- Caller: every payment verb; at most RELAY_GROUP_MAX orders by primary key, with at most PAYMENT_ATTEMPTS_MAX attempts each, one row each (one
-- with nulls when there are none). $2 slack in seconds after the deadline.
SELECT o.id, o.number, o.status, o.timeline_seq, o.total_minor, o.currency, o.payment_provider, o.payment_method, o.personal, o.email,
       o.payment_deadline <= now() AS past_deadline,
       coalesce(o.cancelled_at, o.payment_deadline) + make_interval(secs => $2) <= now() AS past_slack,
       CASE WHEN o.status = 'cancelled' THEN (
           SELECT e.detail ->> 'reason' FROM order_events e
           WHERE e.order_id = o.id AND e.status = 'cancelled' AND e.detail ->> 'reason' IS NOT NULL
           ORDER BY e.seq DESC LIMIT 1) END AS cancelled_by,
       p.attempt, p.method AS attempt_method, p.status AS attempt_status, p.provider_ref, p.client_secret, p.action_url,
       p.decline_code, p.refunded_minor
FROM orders o LEFT JOIN payments p ON p.order_id = o.id
WHERE o.id = ANY ($1::uuid[])
ORDER BY o.id, p.attempt

-- name: commit_changes
-- Caller: PaymentStore.commit. At most RELAY_GROUP_MAX orders, each once: $1 order, $2 the version that it must still have, $3 status, $4 how
-- many timeline entries, $5 the outbox row that this commit finishes, or null. Then one element each, with their order first: $6–$15
-- attempts, $16–$19 timeline entries, $20–$22 owed work (once a topic while a row of it is open). Locks the orders' rows first, in the
-- order of their ids. Gives the orders that were still at their version; nothing is done for the others.
WITH asked AS (
    SELECT a.* FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[], $5::bigint[])
        AS a (order_id, version, status, entries, row_id)
), locked AS (
    SELECT o.id FROM orders o WHERE o.id = ANY ($1::uuid[]) ORDER BY o.id FOR NO KEY UPDATE
), moved AS (
    UPDATE orders o
    SET status = a.status,
        timeline_seq = o.timeline_seq + a.entries,
        paid_at = CASE WHEN a.status IN ('placed', 'payment_failed', 'action_required', 'cancelled') THEN NULL
                       ELSE coalesce(o.paid_at, now()) END,
        cancelled_at = CASE WHEN a.status = 'cancelled' THEN coalesce(o.cancelled_at, now()) END
    FROM asked a JOIN locked l ON l.id = a.order_id
    WHERE o.id = l.id AND o.timeline_seq = a.version
    RETURNING o.id, o.total_minor, o.currency, o.payment_provider, a.version, a.row_id
), attempted AS (
    INSERT INTO payments AS p (id, order_id, attempt, provider, method, provider_ref, amount_minor, refunded_minor, currency,
                               status, client_secret, action_url, decline_code, settled_at)
    SELECT a.id, m.id, a.attempt, m.payment_provider, a.method, a.provider_ref, m.total_minor, a.refunded_minor, m.currency,
           a.status, a.client_secret, a.action_url, a.decline_code,
           CASE WHEN a.status IN ('succeeded', 'refunded') THEN now() END
    FROM unnest($6::uuid[], $7::uuid[], $8::smallint[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[],
                $14::text[], $15::text[])
         AS a (order_id, id, attempt, method, provider_ref, refunded_minor, status, client_secret, action_url, decline_code)
    JOIN moved m ON m.id = a.order_id
    ON CONFLICT (order_id, attempt) DO UPDATE
    SET status = excluded.status, provider_ref = coalesce(excluded.provider_ref, p.provider_ref),
        refunded_minor = excluded.refunded_minor, client_secret = excluded.client_secret, action_url = excluded.action_url,
        decline_code = excluded.decline_code, settled_at = coalesce(p.settled_at, excluded.settled_at), updated_at = now()
), told AS (
    INSERT INTO order_events (order_id, seq, status, detail)
    SELECT m.id, m.version + e.n, e.status, e.detail::json
    FROM unnest($16::uuid[], $17::int[], $18::text[], $19::text[]) AS e (order_id, n, status, detail)
    JOIN moved m ON m.id = e.order_id
), sent AS (
    INSERT INTO outbox (topic, subject_id, payload)
    SELECT w.topic, m.id, w.payload::json
    FROM unnest($20::uuid[], $21::text[], $22::text[]) AS w (order_id, topic, payload)
    JOIN moved m ON m.id = w.order_id
    WHERE NOT EXISTS (
        SELECT FROM outbox x WHERE x.subject_id = m.id AND x.topic = w.topic AND x.parked_at IS NULL
                               AND x.id IS DISTINCT FROM m.row_id
    )
), outsiders AS (
    INSERT INTO outbox (topic, subject_id, payload)
    SELECT 'webhook.send', h.id, order_told(m.id, e.status)
    FROM webhook_endpoints h
    JOIN unnest($16::uuid[], $18::text[]) AS e (order_id, status) ON 'order.' || e.status = ANY (h.events)
    JOIN moved m ON m.id = e.order_id
    WHERE h.active
), done AS (
    DELETE FROM outbox o USING moved m WHERE o.id = m.row_id
)
SELECT id FROM moved

-- name: lock_units
-- Caller: PaymentStore.commit, after the order's row. Locks the order's stock rows in item order, the committer's order.
SELECT s.item_id, l.quantity
FROM stock s JOIN (
    SELECT item_id, sum(quantity)::int AS quantity FROM order_lines WHERE order_id = $1 GROUP BY item_id
) l USING (item_id)
ORDER BY s.item_id FOR NO KEY UPDATE OF s

-- name: move_units
-- Caller: PaymentStore.commit, with the rows locked. One element an item; a movement that is known moves nothing.
-- Trips stock_never_oversold when units that are taken again are gone.
WITH moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta, order_id, reason)
    SELECT w.movement_id, w.item_id, $4, w.delta, $5, $6
    FROM unnest($1::uuid[], $2::bigint[], $3::int[]) AS w (movement_id, item_id, delta)
    ORDER BY w.item_id
    ON CONFLICT (movement_id) DO NOTHING
    RETURNING item_id, reserved_delta
), changed AS (
    UPDATE stock s SET reserved = s.reserved + m.reserved_delta FROM moved m WHERE s.item_id = m.item_id
)
INSERT INTO gate_suspects (item_id) SELECT item_id FROM moved ORDER BY item_id ON CONFLICT (item_id) DO NOTHING

-- name: owe_overdue
-- Caller: sweeper. Unpaid orders past their deadline, by orders_unpaid, at most $1; once an order while a row of it is open.
INSERT INTO outbox (topic, subject_id)
SELECT 'payment.void', o.id FROM orders o
WHERE o.paid_at IS NULL AND o.cancelled_at IS NULL AND o.payment_deadline <= now()
  AND NOT EXISTS (SELECT FROM outbox x WHERE x.subject_id = o.id AND x.topic = 'payment.void')
ORDER BY o.payment_deadline LIMIT $1
RETURNING id

-- name: receive_webhook
-- Caller: the webhook endpoint. A known event changes nothing; a new one is kept and owed in one commit.
WITH kept AS (
    INSERT INTO webhook_inbox (id, provider, event_id, kind, personal, order_id)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (provider, event_id) DO NOTHING
    RETURNING id
), owed AS (
    INSERT INTO outbox (topic, subject_id) SELECT 'webhook.apply', id FROM kept
)
SELECT EXISTS (SELECT FROM kept)

-- name: webhook
-- Caller: apply_webhook. By primary key.
SELECT id, provider, kind, payload, personal, status, order_id, extract(epoch FROM now() - received_at)::float8 AS age_s
FROM webhook_inbox WHERE id = $1

-- name: close_webhook
-- Caller: apply_webhook. $2 applied, ignored or parked; finishes the outbox row $3 with it.
WITH done AS (DELETE FROM outbox WHERE id = $3)
UPDATE webhook_inbox SET status = $2, handled_at = CASE WHEN $2 IN ('applied', 'ignored') THEN now() END WHERE id = $1

-- name: owe_parked_webhooks
-- Caller: sweeper. Parked webhooks whose order has come since; by webhook_inbox_open, at most $1.
WITH found AS (
    SELECT w.id FROM webhook_inbox w JOIN orders o ON o.id = w.order_id
    WHERE w.status = 'parked' ORDER BY w.received_at LIMIT $1 FOR UPDATE OF w SKIP LOCKED
), reopened AS (
    UPDATE webhook_inbox w SET status = 'received' FROM found f WHERE w.id = f.id RETURNING w.id
)
INSERT INTO outbox (topic, subject_id) SELECT 'webhook.apply', id FROM reopened RETURNING id
