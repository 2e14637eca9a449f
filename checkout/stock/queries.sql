-- name: gate_state
-- Caller: Gate.refresh. One row.
SELECT epoch, run_id,
       coalesce(greatest(0, extract(epoch FROM forgets_until - now())), 0)::float8 AS forgets_for_s,
       coalesce(extract(epoch FROM now() - built_at), 0)::float8 AS age_s
FROM gate_state

-- name: try_rebuild_lock
-- Caller: rebuild. Session lock: only one rebuild at a time, given up with the connection.
SELECT pg_try_advisory_lock(7237001)

-- name: rebuild_unlock
-- Caller: rebuild.
SELECT pg_advisory_unlock(7237001)

-- name: next_epoch
-- Caller: rebuild. One row; from here on no process takes the old gate for current.
UPDATE gate_state SET epoch = epoch + 1, run_id = '', built_at = NULL, forgets_until = NULL RETURNING epoch

-- name: gate_built
-- Caller: rebuild, last.
UPDATE gate_state
SET run_id = $2, built_at = now(), forgets_until = now() + make_interval(secs => $3)
WHERE epoch = $1

-- name: gate_remembers
-- Caller: recall, when the settled claims of the window are known to the gate again ($2 = null), or all since $2.
UPDATE gate_state
SET forgets_until = CASE WHEN $2::timestamptz IS NULL THEN NULL ELSE $2 + make_interval(secs => $3) END
WHERE epoch = $1

-- name: recent_claims
-- Caller: recall. Newest first through the primary key (ids are time-ordered); $1 bounds the age, $2 the rows.
SELECT claim_id, placed_at FROM orders WHERE id >= $1 ORDER BY id DESC LIMIT $2

-- name: counters
-- Caller: rebuild and the drift scan, in chunks by primary key: items after $1, at most $2. Per-customer counters are
-- Postgres's alone: the gate never sees them.
SELECT item_id, on_hand + backorder_limit - reserved AS available
FROM stock WHERE item_id > $1 AND kind <> 'coupon_customer' ORDER BY item_id LIMIT $2

-- name: counters_of
-- Caller: availability and the drift scan; by primary key, as many rows as asked.
SELECT item_id, on_hand + backorder_limit - reserved AS available
FROM stock WHERE item_id = ANY ($1::bigint[]) AND kind <> 'coupon_customer'

-- name: take_suspects
-- Caller: repair. At most $1 rows, in item order.
SELECT item_id FROM gate_suspects ORDER BY item_id LIMIT $1 FOR UPDATE SKIP LOCKED

-- name: lock_counters
-- Caller: repair. Locks the rows in item order, the committer's order, so that no claim on them can commit meanwhile.
SELECT item_id, on_hand + backorder_limit - reserved AS available
FROM stock WHERE item_id = ANY ($1::bigint[]) AND kind <> 'coupon_customer' ORDER BY item_id FOR NO KEY UPDATE

-- name: drop_suspects
-- Caller: repair, in its transaction.
DELETE FROM gate_suspects WHERE item_id = ANY ($1::bigint[])

-- name: add_suspects
-- Caller: whoever knows that a counter no longer follows from the claim protocol.
INSERT INTO gate_suspects (item_id)
SELECT i FROM unnest($1::bigint[]) i ORDER BY i ON CONFLICT (item_id) DO NOTHING

-- name: suspects_of_claims
-- Caller: settling under another epoch. The items of these orders become suspects; by order_claims_pkey and order_lines_pkey.
INSERT INTO gate_suspects (item_id)
SELECT DISTINCT l.item_id FROM order_claims c JOIN order_lines l ON l.order_id = c.order_id
WHERE c.claim_id = ANY ($1::uuid[]) ORDER BY 1 ON CONFLICT (item_id) DO NOTHING

-- name: claims_placed
-- Caller: repair, reconcile. Which of these claims are orders, whatever became of them since; by order_claims_pkey.
SELECT claim_id FROM order_claims WHERE claim_id = ANY ($1::uuid[])

-- name: count_suspects
-- Caller: stats, tests.
SELECT count(*) FROM gate_suspects
