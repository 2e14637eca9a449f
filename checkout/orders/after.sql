-- name: events_since
-- Caller: Follower. For each order followed ($1) the entries after the last one sent ($2): by primary key; one row an entry,
-- at most 100 an order. Entry 1 is the order itself.
SELECT w.order_id, e.seq, e.status, e.detail, e.at
FROM unnest($1::uuid[], $2::int[]) AS w (order_id, after_seq)
CROSS JOIN LATERAL (
    SELECT seq, status, detail, at FROM order_events
    WHERE order_id = w.order_id AND seq > w.after_seq ORDER BY seq LIMIT 100
) e
ORDER BY w.order_id, e.seq
