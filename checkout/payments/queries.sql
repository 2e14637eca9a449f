-- name: load
-- Caller: every payment verb. One order by primary key with at most PAYMENT_ATTEMPTS_MAX attempts, one row each (one with nulls
-- when there are none). $2 slack in seconds after the deadline.
SELECT o.id, o.number, o.status, o.timeline_seq, o.total_minor, o.currency, o.payment_provider, o.payment_method, o.email,
       o.payment_deadline <= now() AS past_deadline,
       coalesce(o.cancelled_at, o.payment_deadline) + make_interval(secs => $2) <= now() AS past_slack,
       CASE WHEN o.status = 'cancelled' THEN (
           SELECT e.detail ->> 'reason' FROM order_events e
           WHERE e.order_id = o.id AND e.status = 'cancelled' AND e.detail ->> 'reason' IS NOT NULL
           ORDER BY e.seq DESC LIMIT 1) END AS cancelled_by,
       p.attempt, p.method AS attempt_method, p.status AS attempt_status, p.provider_ref, p.client_secret, p.action_url,
       p.decline_code, p.refunded_minor
FROM orders o LEFT JOIN payments p ON p.order_id = o.id
WHERE o.id = $1
ORDER BY p.attempt

-- name: commit_change
-- Caller: PaymentStore.commit. Locks the order's row first; does nothing unless its version is still $2. $3 status; $4–$12 attempts,
-- $13–$14 timeline entries, $15–$16 owed work (once a topic while a row of it is open): one element each; $17 the outbox row that this
-- commit finishes, or null.
WITH moved AS (
    UPDATE orders
    SET status = $3,
        timeline_seq = timeline_seq + cardinality($13::text[]),
        paid_at = CASE WHEN $3 IN ('placed', 'payment_failed', 'action_required', 'cancelled') THEN NULL
                       ELSE coalesce(paid_at, now()) END,
        cancelled_at = CASE WHEN $3 = 'cancelled' THEN coalesce(cancelled_at, now()) END
    WHERE id = $1 AND timeline_seq = $2
    RETURNING id, total_minor, currency, payment_provider
), attempted AS (
    INSERT INTO payments AS p (id, order_id, attempt, provider, method, provider_ref, amount_minor, refunded_minor, currency,
                               status, client_secret, action_url, decline_code, settled_at)
    SELECT a.id, m.id, a.attempt, m.payment_provider, a.method, a.provider_ref, m.total_minor, a.refunded_minor, m.currency,
           a.status, a.client_secret, a.action_url, a.decline_code,
           CASE WHEN a.status IN ('succeeded', 'refunded') THEN now() END
    FROM moved m, unnest($4::uuid[], $5::smallint[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[],
                         $12::text[])
         AS a (id, attempt, method, provider_ref, refunded_minor, status, client_secret, action_url, decline_code)
    ON CONFLICT (order_id, attempt) DO UPDATE
    SET status = excluded.status, provider_ref = coalesce(excluded.provider_ref, p.provider_ref),
        refunded_minor = excluded.refunded_minor, client_secret = excluded.client_secret, action_url = excluded.action_url,
        decline_code = excluded.decline_code, settled_at = coalesce(p.settled_at, excluded.settled_at), updated_at = now()
), told AS (
    INSERT INTO order_events (order_id, seq, status, detail)
    SELECT m.id, $2 + e.n, e.status, e.detail::json
    FROM moved m, unnest($13::text[], $14::text[]) WITH ORDINALITY AS e (status, detail, n)
), sent AS (
    INSERT INTO outbox (topic, subject_id, payload)
    SELECT w.topic, m.id, w.payload::json
    FROM moved m, unnest($15::text[], $16::text[]) AS w (topic, payload)
    WHERE NOT EXISTS (
        SELECT FROM outbox x WHERE x.subject_id = m.id AND x.topic = w.topic AND x.parked_at IS NULL
                               AND x.id IS DISTINCT FROM $17::bigint)
), done AS (
    DELETE FROM outbox WHERE id = $17::bigint AND EXISTS (SELECT FROM moved)
)
SELECT EXISTS (SELECT FROM moved)

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
WHERE o.status IN ('placed', 'payment_failed', 'action_required') AND o.payment_deadline <= now()
  AND NOT EXISTS (SELECT FROM outbox x WHERE x.subject_id = o.id AND x.topic = 'payment.void')
ORDER BY o.payment_deadline LIMIT $1
RETURNING id

-- name: receive_webhook
-- Caller: the webhook endpoint. A known event changes nothing; a new one is kept and owed in one commit.
WITH kept AS (
    INSERT INTO webhook_inbox (id, provider, event_id, kind, payload, order_id)
    VALUES ($1, $2, $3, $4, $5::json, $6)
    ON CONFLICT (provider, event_id) DO NOTHING
    RETURNING id
), owed AS (
    INSERT INTO outbox (topic, subject_id) SELECT 'webhook.apply', id FROM kept
)
SELECT EXISTS (SELECT FROM kept)

-- name: webhook
-- Caller: apply_webhook. By primary key.
SELECT id, provider, kind, payload, status, order_id, extract(epoch FROM now() - received_at)::float8 AS age_s
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
