-- What the verbs of stock ask and write. Lock order: stock rows by item, before anything else of a transaction.

-- name: earlier_answer
-- Caller: once. By primary key.
SELECT fingerprint, answer FROM admin_requests WHERE key = $1

-- name: keep_answer
-- Caller: once, last. Trips admin_requests_pkey when another request with the key was faster.
INSERT INTO admin_requests (key, fingerprint, answer) VALUES ($1, $2, $3::json)

-- name: lock_units
-- Caller: every verb, first. By variants_sku_key, one row a SKU that is there and, with $2, whose product this account owns.
-- Locks the stock rows in item order, the committer's order.
SELECT s.item_id, v.sku, s.on_hand, s.reserved, s.backorder_limit
FROM stock s JOIN variants v USING (item_id) JOIN products p ON p.id = v.product_id
WHERE v.sku = ANY ($1::text[]) AND ($2::uuid IS NULL OR p.owner_id = $2)
ORDER BY s.item_id FOR NO KEY UPDATE OF s

-- name: places
-- Caller: verbs that name locations. By primary key; holds off their removal until the end of the transaction.
SELECT code, active FROM locations WHERE code = ANY ($1::text[]) ORDER BY code FOR KEY SHARE

-- name: at_places
-- Caller: adjust to a figure, count, feed; with the stock rows locked, which holds these rows still. By primary key.
SELECT item_id, location, on_hand FROM location_stock WHERE item_id = ANY ($1::bigint[]) AND location = ANY ($2::text[])

-- name: move
-- Caller: move. One element a movement, a delta of 0 moves nothing; the trigger stock_moved moves the locations. A limit that
-- keeps units back gives way where what is promised needs them; the trigger sets it anew. Trips stock_never_oversold and
-- location_stock_not_negative. The gate hears of totals that change.
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::int[]) AS w (movement_id, item_id, location, delta)
    WHERE delta <> 0
), moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, location, reason, actor, document_id)
    SELECT movement_id, item_id, $5, delta, location, $6, $7, $8 FROM wanted ORDER BY item_id, location
), total AS (
    SELECT item_id, sum(delta)::int AS delta FROM wanted GROUP BY item_id HAVING sum(delta) <> 0
), suspect AS (
    INSERT INTO gate_suspects (item_id) SELECT item_id FROM total ORDER BY item_id ON CONFLICT (item_id) DO NOTHING
)
UPDATE stock s SET on_hand = s.on_hand + t.delta,
                   backorder_limit = greatest(s.backorder_limit, least(0, s.reserved - s.on_hand - t.delta))
FROM total t WHERE s.item_id = t.item_id

-- name: standing
-- Caller: every verb, after its movements, for its answer. By primary keys; one row an item and asked location.
SELECT s.item_id, w.location, s.on_hand, s.reserved, s.on_hand + s.backorder_limit - s.reserved AS available,
       coalesce(l.on_hand, 0) AS location_on_hand
FROM unnest($1::bigint[], $2::text[]) AS w (item_id, location)
JOIN stock s ON s.item_id = w.item_id
LEFT JOIN location_stock l ON l.item_id = w.item_id AND l.location = w.location

-- name: arrived
-- Caller: receive, before its movements. What was expected and sold ahead has come: it is no longer expected. By primary key.
UPDATE stock_policies p
SET preorder_units = greatest(0, p.preorder_units - w.units),
    preorder_until = CASE WHEN p.preorder_units > w.units THEN p.preorder_until END,
    version = p.version + 1
FROM unnest($1::bigint[], $2::int[]) AS w (item_id, units)
WHERE p.item_id = w.item_id AND p.preorder_units > 0

-- name: keep_counts
-- Caller: count. One row a counted SKU.
INSERT INTO stock_counts (document_id, item_id, location, expected, counted, actor)
SELECT $1, w.item_id, $2, w.expected, w.counted, $3
FROM unnest($4::bigint[], $5::int[], $6::int[]) AS w (item_id, expected, counted)

-- name: fed
-- Caller: feed, with the stock rows locked. By primary key, as many rows as asked.
SELECT f.item_id, f.location, f.source_id, f.as_of
FROM stock_feed f JOIN unnest($1::bigint[], $2::text[], $3::text[]) AS w (item_id, location, source_id)
     USING (item_id, location, source_id)

-- name: keep_fed
-- Caller: feed, with the stock rows locked. By primary key; one row an item, location and source.
INSERT INTO stock_feed (item_id, location, source_id, as_of, on_hand)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::int[])
ON CONFLICT (item_id, location, source_id) DO UPDATE
SET as_of = excluded.as_of, on_hand = excluded.on_hand, applied_at = now()

-- name: policy
-- Caller: set_policy, with the stock row locked. By primary key.
SELECT backorder, safety_stock, preorder_units, preorder_until, low_at, version FROM stock_policies WHERE item_id = $1

-- name: keep_policy
-- Caller: set_policy, with the stock row locked. By primary key; the trigger sets the net in `stock` and tells the gate.
INSERT INTO stock_policies (item_id, backorder, safety_stock, preorder_units, preorder_until, low_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (item_id) DO UPDATE
SET backorder = excluded.backorder, safety_stock = excluded.safety_stock, preorder_units = excluded.preorder_units,
    preorder_until = excluded.preorder_until, low_at = excluded.low_at, version = excluded.version,
    is_low = stock_policies.is_low AND excluded.low_at IS NOT NULL
