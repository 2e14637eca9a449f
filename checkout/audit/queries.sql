-- name: started
-- Caller: AuditStore.started. Postgres's own clock, from which on new work is not yet owed to this audit.
SELECT clock_timestamp()

-- name: scale
-- Caller: audit, in its snapshot. Three index-only or sequential counts.
SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM order_lines) AS lines,
       (SELECT count(*) FROM stock) AS items

-- Every invariant's query gives one row: `figure`, how much is wrong, and `culprits`, three of them at most. All run in one
-- read-only snapshot, lock nothing, and cost one sequential scan of what they name.

-- name: oversold_units
-- Caller: audit. One scan of stock.
SELECT coalesce(sum(over), 0)::bigint AS figure, (array_agg('item ' || item_id))[1:3] AS culprits
FROM (SELECT item_id, greatest(reserved - on_hand - backorder_limit, -reserved)::bigint AS over FROM stock) s
WHERE over > 0

-- name: reserved_ledger
-- Caller: audit. One scan of stock, order_lines and stock_movements.
WITH ledger AS (SELECT item_id, sum(reserved_delta) AS units FROM stock_ledger GROUP BY item_id)
SELECT coalesce(sum(abs(coalesce(s.reserved, 0) - coalesce(l.units, 0))), 0)::bigint AS figure,
       (array_agg('item ' || item_id))[1:3] AS culprits
FROM stock s FULL JOIN ledger l USING (item_id)
WHERE coalesce(s.reserved, 0) <> coalesce(l.units, 0)

-- name: reserved_orders
-- Caller: audit. One scan of orders, order_lines and stock_movements. An order that is not yet on its way holds its whole quantity; one
-- that is holds what its movements left; a cancelled one holds nothing; those of an archived month hold its opening balance.
WITH live AS (
    SELECT l.item_id, l.quantity::bigint AS units
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE o.status <> 'cancelled'
    UNION ALL
    SELECT m.item_id, m.reserved_delta
    FROM stock_movements m JOIN orders o ON o.id = m.order_id
    WHERE o.status IN ('shipped', 'delivered', 'partially_refunded', 'refunded', 'disputed')
    UNION ALL
    SELECT item_id, reserved_delta FROM stock_movements WHERE kind = 'opening'
), held AS (SELECT item_id, sum(units) AS units FROM live GROUP BY item_id)
SELECT coalesce(sum(abs(s.reserved - coalesce(h.units, 0))), 0)::bigint AS figure,
       (array_agg('item ' || s.item_id))[1:3] AS culprits
FROM stock s LEFT JOIN held h USING (item_id)
WHERE s.reserved <> coalesce(h.units, 0)

-- name: on_hand_ledger
-- Caller: audit. One scan of stock and stock_movements.
WITH ledger AS (SELECT item_id, sum(on_hand_delta) AS units FROM stock_movements GROUP BY item_id)
SELECT coalesce(sum(abs(s.on_hand - coalesce(l.units, 0))), 0)::bigint AS figure,
       (array_agg('item ' || s.item_id))[1:3] AS culprits
FROM stock s LEFT JOIN ledger l USING (item_id)
WHERE s.on_hand <> coalesce(l.units, 0)

-- name: location_total
-- Caller: audit. One scan of stock and location_stock. Coupons lie nowhere.
WITH places AS (SELECT item_id, sum(on_hand) AS units FROM location_stock GROUP BY item_id)
SELECT coalesce(sum(abs(s.on_hand - coalesce(l.units, 0))), 0)::bigint AS figure,
       (array_agg('item ' || s.item_id))[1:3] AS culprits
FROM stock s LEFT JOIN places l USING (item_id)
WHERE s.kind = 'variant' AND s.on_hand <> coalesce(l.units, 0)

-- name: locations
-- Caller: audit. One scan of location_stock and stock_movements. Counts units that are at another place than the ledger put them; a total
-- that is off is location_total's and on_hand_ledger's to find.
WITH ledger AS (
    SELECT m.item_id, m.location, sum(m.on_hand_delta) AS units
    FROM stock_movements m JOIN stock s ON s.item_id = m.item_id AND s.kind = 'variant' GROUP BY m.item_id, m.location
), apart AS (
    SELECT item_id, coalesce(l.on_hand, 0) - coalesce(m.units, 0) AS units
    FROM location_stock l FULL JOIN ledger m USING (item_id, location)
), misplaced AS (
    SELECT item_id, (sum(abs(units)) - abs(sum(units))) / 2 AS units FROM apart GROUP BY item_id
)
SELECT coalesce(sum(units), 0)::bigint AS figure, (array_agg('item ' || item_id))[1:3] AS culprits
FROM misplaced WHERE units <> 0

-- name: allocations
-- Caller: audit. One scan of location_stock and allocations.
WITH aside AS (SELECT item_id, location, sum(units) AS units FROM allocations GROUP BY item_id, location)
SELECT coalesce(sum(abs(l.allocated - coalesce(a.units, 0))), 0)::bigint AS figure,
       (array_agg('item ' || l.item_id || ' at ' || l.location))[1:3] AS culprits
FROM location_stock l LEFT JOIN aside a USING (item_id, location)
WHERE l.allocated <> coalesce(a.units, 0)

-- name: transfers
-- Caller: audit. One scan of stock_movements. What one leg takes the other brings.
WITH legs AS (
    SELECT document_id, item_id, sum(on_hand_delta) AS units FROM stock_movements WHERE kind = 'transfer'
    GROUP BY document_id, item_id HAVING sum(on_hand_delta) <> 0
)
SELECT coalesce(sum(abs(units)), 0)::bigint AS figure, (array_agg('transfer ' || document_id))[1:3] AS culprits FROM legs

-- name: policies
-- Caller: audit. One scan of stock_policies, stock by primary key. What the committer and the gate read follows from the policy.
SELECT coalesce(sum(abs(s.backorder_limit - w.net)), 0)::bigint AS figure, (array_agg('item ' || s.item_id))[1:3] AS culprits
FROM stock_policies p JOIN stock s USING (item_id)
CROSS JOIN LATERAL (SELECT greatest(p.backorder + p.preorder_units - p.safety_stock, s.reserved - s.on_hand) AS net) w
WHERE s.backorder_limit <> w.net

-- name: totals
-- Caller: audit. One scan of orders and order_lines. Lines of coupons cost nothing, so all lines sum to the subtotal.
WITH goods AS (SELECT order_id, sum(quantity * unit_minor) AS minor FROM order_lines GROUP BY order_id)
SELECT count(*) AS figure, (array_agg('order ' || o.id))[1:3] AS culprits
FROM orders o LEFT JOIN goods g ON g.order_id = o.id
WHERE o.subtotal_minor IS DISTINCT FROM g.minor
   OR o.total_minor <> o.subtotal_minor - o.discount_minor + o.shipping_minor + o.tax_minor

-- name: orphan_lines
-- Caller: audit. One hash join of order_lines and orders.
SELECT count(*) AS figure, (array_agg('line of ' || l.order_id))[1:3] AS culprits
FROM order_lines l LEFT JOIN orders o ON o.id = l.order_id WHERE o.id IS NULL

-- name: orphan_records
-- Caller: audit. One scan of each table that names orders, against their primary keys by hash; orders of archived months count.
WITH named AS (
    SELECT order_id, 'payment' AS what FROM payments
    UNION ALL SELECT order_id, 'invoice' FROM invoices
    UNION ALL SELECT order_id, 'shipment' FROM shipments
    UNION ALL SELECT order_id, 'mail' FROM notifications_sent
    UNION ALL SELECT order_id, 'timeline entry' FROM order_events
)
SELECT count(*) AS figure, (array_agg(what || ' of ' || n.order_id))[1:3] AS culprits
FROM named n LEFT JOIN orders o ON o.id = n.order_id
WHERE o.id IS NULL AND NOT EXISTS (
    SELECT FROM order_months m WHERE m.archived_at IS NOT NULL AND n.order_id >= m.lower AND n.order_id < m.upper)

-- name: order_numbers
-- Caller: audit. One scan and a sort of orders: their unique indexes see one month each.
SELECT count(*) AS figure, (array_agg('number ' || number))[1:3] AS culprits
FROM (SELECT number FROM orders GROUP BY number HAVING count(*) > 1) o

-- name: order_claims
-- Caller: audit. One scan of order_claims and orders, by hash. Of the orders whose claims are kept, each has its own, which names its
-- cart while the order lives; and no claim is without its order.
SELECT count(*) AS figure, (array_agg('order ' || coalesce(o.id, c.order_id)))[1:3] AS culprits
FROM (SELECT id, claim_id, CASE WHEN status <> 'cancelled' THEN cart_id END AS cart_id
      FROM orders WHERE id >= (SELECT since FROM claims_kept)) o
FULL JOIN order_claims c ON c.claim_id = o.claim_id AND c.order_id = o.id
WHERE (c.claim_id IS NULL OR o.id IS NULL OR c.cart_id IS DISTINCT FROM o.cart_id)
  AND (o.id IS NOT NULL OR NOT EXISTS (SELECT FROM orders e WHERE e.id = c.order_id))

-- name: documents
-- Caller: audit. One scan of orders; about 10 µs of JSON an order, which is parsed once (OFFSET 0 keeps the planner from repeating it).
SELECT count(*) AS figure, (array_agg('order ' || o.id))[1:3] AS culprits
FROM orders o
CROSS JOIN LATERAL (SELECT o.document::jsonb AS told OFFSET 0) d
CROSS JOIN LATERAL (
    SELECT coalesce(sum((l ->> 'unit_price')::bigint * (l ->> 'quantity')::bigint), 0) AS subtotal_minor,
           coalesce(sum((l ->> 'discount')::bigint), 0) AS discount_minor
    FROM jsonb_array_elements(d.told -> 'lines') l
) lines
CROSS JOIN LATERAL (
    SELECT coalesce(sum((t ->> 'amount')::bigint) FILTER (WHERE NOT (t ->> 'included')::boolean), 0) AS added_minor,
           coalesce(sum((t ->> 'amount')::bigint) FILTER (WHERE (t ->> 'included')::boolean), 0) AS included_minor
    FROM jsonb_array_elements(d.told -> 'taxes') t
) taxes
CROSS JOIN LATERAL (
    SELECT coalesce(sum((c ->> 'discount')::bigint), 0) AS discount_minor
    FROM jsonb_array_elements(d.told -> 'coupons') c
) coupons
WHERE lines.subtotal_minor <> o.subtotal_minor
   OR lines.discount_minor <> o.discount_minor
   OR coupons.discount_minor <> o.discount_minor
   OR taxes.added_minor <> o.tax_minor
   OR taxes.included_minor <> (d.told ->> 'tax_included')::bigint

-- name: coupon_limits
-- Caller: audit. Lines of limited coupons only, through a hash of their items; one scan of order_lines, and the balances of archived
-- months.
WITH limits AS (
    SELECT c.item_id, s.on_hand AS most FROM coupons c JOIN stock s USING (item_id)
    UNION ALL
    SELECT k.item_id, c.per_customer_limit FROM coupon_customers k JOIN coupons c ON c.id = k.coupon_id
), redeemed AS (
    SELECT l.item_id, l.quantity AS times
    FROM order_lines l JOIN limits USING (item_id) JOIN orders o ON o.id = l.order_id
    WHERE o.status <> 'cancelled'
    UNION ALL
    SELECT item_id, reserved_delta FROM stock_movements JOIN limits USING (item_id) WHERE kind = 'opening'
), used AS (
    SELECT item_id, sum(times) AS times FROM redeemed GROUP BY item_id
)
SELECT coalesce(sum(u.times - m.most), 0)::bigint AS figure, (array_agg('item ' || item_id))[1:3] AS culprits
FROM used u JOIN limits m USING (item_id)
WHERE u.times > m.most

-- name: one_charge
-- Caller: audit. One scan of payments. Money that came beside a payment and went back is no second charge.
SELECT count(*) AS figure, (array_agg('order ' || order_id))[1:3] AS culprits
FROM (SELECT order_id FROM payments
      WHERE status IN ('succeeded', 'refunded') AND refunded_minor < amount_minor
      GROUP BY order_id HAVING count(*) > 1) p

-- name: payments_status
-- Caller: audit. One scan of orders and payments. `kept` is what came and did not go back: the total of a paid order, nothing of one
-- that is unpaid or cancelled.
WITH money AS (
    SELECT order_id, sum(amount_minor - refunded_minor) AS kept_minor,
           count(DISTINCT currency) AS currencies, min(currency) AS currency
    FROM payments WHERE status IN ('succeeded', 'refunded') GROUP BY order_id
)
SELECT count(*) AS figure, (array_agg('order ' || o.id))[1:3] AS culprits
FROM orders o LEFT JOIN money m ON m.order_id = o.id
WHERE m.currencies > 1 OR m.currency <> o.currency
   OR CASE o.status
      WHEN 'partially_refunded' THEN coalesce(m.kept_minor, 0) NOT BETWEEN 1 AND o.total_minor - 1
      WHEN 'disputed' THEN coalesce(m.kept_minor, 0) NOT BETWEEN 0 AND o.total_minor
      ELSE coalesce(m.kept_minor, 0) <> CASE WHEN o.status IN ('paid', 'booked', 'shipped', 'delivered')
                                            THEN o.total_minor ELSE 0 END
      END

-- name: timelines
-- Caller: audit. One scan of orders and order_events. Entry 1, `placed`, is the order itself.
WITH told AS (
    SELECT order_id, count(*) AS entries, min(seq) AS first, max(seq) AS last, array_agg(status) AS statuses
    FROM order_events GROUP BY order_id
)
SELECT count(*) AS figure, (array_agg('order ' || o.id))[1:3] AS culprits
FROM orders o LEFT JOIN told t ON t.order_id = o.id
WHERE CASE
    WHEN t.order_id IS NULL THEN o.timeline_seq <> 1 OR o.status <> 'placed'
    ELSE t.first <> 2 OR t.last <> o.timeline_seq OR t.entries <> o.timeline_seq - 1
        OR (o.status <> 'placed' AND o.status <> ALL (t.statuses))
END

-- name: invoice_numbers
-- Caller: audit. One index-only scan of invoices.
WITH issued AS (
    SELECT s.series, s.next_number - 1 AS most, count(i.number) AS held, coalesce(max(i.number), 0) AS highest
    FROM invoice_series s LEFT JOIN invoices i USING (series) GROUP BY s.series
)
SELECT coalesce(sum(greatest(most, highest) - held), 0)::bigint AS figure,
       (array_agg('series ' || series))[1:3] AS culprits
FROM issued WHERE held <> most OR highest <> most

-- name: work_forgotten
-- Caller: audit. One scan of orders against each table of a step, by hash; outbox rows of any state count as owed. Orders past their
-- deadline are the sweeper's.
WITH owed AS (SELECT DISTINCT topic, subject_id FROM outbox), forgotten AS (
    SELECT o.id, 'payment' AS step FROM orders o
    WHERE o.status = 'placed' AND o.payment_deadline > now()
      AND NOT EXISTS (SELECT FROM owed w WHERE w.subject_id = o.id AND w.topic IN ('payment.capture', 'payment.void'))
    UNION ALL
    SELECT o.id, 'invoice' FROM orders o
    WHERE o.paid_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM invoices i WHERE i.order_id = o.id)
      AND NOT EXISTS (SELECT FROM owed w WHERE w.subject_id = o.id AND w.topic = 'invoice.issue')
    UNION ALL
    SELECT o.id, 'shipment' FROM orders o
    WHERE o.status = 'paid'
      AND NOT EXISTS (SELECT FROM owed w WHERE w.subject_id = o.id AND w.topic = 'shipment.book')
    UNION ALL
    SELECT o.id, 'confirmation' FROM orders o
    WHERE o.paid_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM notifications_sent n WHERE n.order_id = o.id)
      AND NOT EXISTS (SELECT FROM owed w WHERE w.subject_id = o.id AND w.topic = 'order.confirm')
    UNION ALL
    SELECT i.id, 'webhook' FROM webhook_inbox i
    WHERE i.status = 'received'
      AND NOT EXISTS (SELECT FROM owed w WHERE w.subject_id = i.id AND w.topic = 'webhook.apply')
)
SELECT count(*) AS figure, (array_agg(step || ' of ' || id))[1:3] AS culprits FROM forgotten

-- name: outbox_unfinished
-- Caller: audit, and its wait for the drain. $1: work owed after this moment is not yet late. By outbox_due or one scan of what is open.
-- A payment that waits for its shopper (3-D Secure) is not ours to finish.
SELECT count(*) AS figure, (array_agg(w.topic || ' of ' || w.subject_id))[1:3] AS culprits
FROM outbox w
WHERE w.parked_at IS NULL AND w.created_at <= $1
  AND NOT EXISTS (SELECT FROM orders o WHERE o.id = w.subject_id AND w.topic = 'payment.capture'
                  AND o.status = 'action_required')

-- name: dead_letters
-- Caller: audit. By outbox_parked.
SELECT count(*) AS figure, (array_agg(topic || ' of ' || subject_id || ': ' || last_error))[1:3] AS culprits
FROM outbox WHERE parked_at IS NOT NULL

-- name: missing_of
-- Caller: audit, by chunks of at most 10,000 acknowledged ids. By primary key; orders of archived months count.
SELECT a.id FROM unnest($1::uuid[]) AS a (id) LEFT JOIN orders o ON o.id = a.id
WHERE o.id IS NULL AND NOT EXISTS (
    SELECT FROM order_months m WHERE m.archived_at IS NOT NULL AND a.id >= m.lower AND a.id < m.upper)

-- name: money_of
-- Caller: audit, by chunks of at most 10,000 of the provider's orders. By payments (order_id, attempt). `busy`: a payment of the order
-- is under way, so that the two ledgers may differ for a moment.
SELECT a.id,
       coalesce(sum(p.amount_minor) FILTER (WHERE p.status IN ('succeeded', 'refunded')), 0)::bigint AS charged_minor,
       coalesce(sum(p.refunded_minor) FILTER (WHERE p.status IN ('succeeded', 'refunded')), 0)::bigint AS refunded_minor,
       count(*) FILTER (WHERE p.status IN ('succeeded', 'refunded')) AS charges,
       EXISTS (SELECT FROM orders o WHERE o.id = a.id) OR EXISTS (
           SELECT FROM order_months m WHERE m.archived_at IS NOT NULL AND a.id >= m.lower AND a.id < m.upper) AS known,
       EXISTS (SELECT FROM outbox w WHERE w.subject_id = a.id AND w.topic LIKE 'payment.%' AND w.created_at > $2) AS busy
FROM unnest($1::uuid[]) AS a (id) LEFT JOIN payments p ON p.order_id = a.id
GROUP BY a.id

-- name: money_ours
-- Caller: audit. One scan of payments: what all orders were charged and given back, and for how many, without those under way.
SELECT count(DISTINCT order_id) AS orders, coalesce(sum(amount_minor), 0)::bigint AS charged_minor,
       coalesce(sum(refunded_minor), 0)::bigint AS refunded_minor
FROM payments p
WHERE status IN ('succeeded', 'refunded') AND amount_minor > 0
  AND NOT EXISTS (SELECT FROM outbox w WHERE w.subject_id = p.order_id AND w.topic LIKE 'payment.%' AND w.created_at > $1)

-- name: lock_items
-- Caller: audit, to confirm a counter that looks off. Locks the rows in item order, the committer's order; at most 100.
SELECT item_id, on_hand + backorder_limit - reserved AS available
FROM stock WHERE item_id = ANY ($1::bigint[]) ORDER BY item_id FOR NO KEY UPDATE
