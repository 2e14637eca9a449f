-- name: end_preorders
-- Caller: end_preorders, by the relay. By stock_policies_preorder, at most $1. Locks the stock rows first, in item order; the trigger
-- sets their net and tells the gate.
WITH due AS (
    SELECT item_id FROM stock_policies WHERE preorder_until <= now() ORDER BY preorder_until LIMIT $1
), locked AS (
    SELECT s.item_id FROM stock s WHERE s.item_id IN (SELECT item_id FROM due) ORDER BY s.item_id FOR NO KEY UPDATE
), ended AS (
    UPDATE stock_policies p SET preorder_units = 0, preorder_until = NULL, version = p.version + 1
    FROM locked l WHERE p.item_id = l.item_id AND p.preorder_until <= now()
    RETURNING p.item_id
)
INSERT INTO audit_log (actor, action, subject)
SELECT 'system', 'stock.end_preorder', v.sku FROM ended JOIN variants v USING (item_id)
RETURNING id

-- name: notice_low
-- Caller: notice_low, by the relay. By stock_policies_low_at, the next $2 thresholds after item $1. One row: the last item seen, how many.
WITH seen AS (
    SELECT p.item_id, p.is_low, s.on_hand - s.reserved - p.safety_stock <= p.low_at AS now_low
    FROM stock_policies p JOIN stock s USING (item_id)
    WHERE p.low_at IS NOT NULL AND p.item_id > $1 ORDER BY p.item_id LIMIT $2
), turned AS (
    UPDATE stock_policies p SET is_low = e.now_low FROM seen e
    WHERE p.item_id = e.item_id AND p.is_low = e.is_low AND e.is_low <> e.now_low AND p.low_at IS NOT NULL
    RETURNING p.item_id, p.is_low
), fell AS (
    SELECT array_agg(item_id) AS items FROM turned WHERE is_low
)
SELECT coalesce((SELECT max(item_id) FROM seen), 0) AS last, (SELECT count(*) FROM seen) AS seen,
       (SELECT count(tell_webhooks('stock.low', json_build_object('items', json_build_array(t.told))))
        FROM fell, stock_told(fell.items) t) AS told
