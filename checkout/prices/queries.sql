-- Prices and price lists. Lock order: the price list's row, stock rows by item_id, product rows by slug.

-- name: prices
-- Caller: GET prices. Index: prices pkey, variants_sku_key or variants_product where they select. Rows: <= $7.
-- $1, $2: after this item and currency; $3 SKU, $4 currency, $5 product, $6 owner; NULL: any.
SELECT r.item_id, v.sku, v.product_id, r.currency, r.amount_minor, r.compare_at_minor, r.list_id, r.regular_minor,
       r.regular_compare_at_minor, p.version
FROM prices r JOIN variants v ON v.item_id = r.item_id JOIN products p ON p.id = v.product_id
WHERE ($1::bigint IS NULL OR (r.item_id, r.currency) > ($1, $2::text))
  AND ($3::text IS NULL OR v.sku = $3) AND ($4::text IS NULL OR r.currency = $4)
  AND ($5::uuid IS NULL OR v.product_id = $5) AND ($6::uuid IS NULL OR p.owner_id = $6)
ORDER BY r.item_id, r.currency LIMIT $7

-- name: lock_items
-- Caller: whoever sets prices or plans a list, before it writes. Index: variants_sku_key. Locks: stock rows by item_id.
-- Rows: <= the SKUs asked for. $2: only of this owner; NULL: of any.
SELECT v.sku, s.item_id
FROM variants v JOIN products p ON p.id = v.product_id JOIN stock s ON s.item_id = v.item_id
WHERE v.sku = ANY ($1::text[]) AND ($2::uuid IS NULL OR p.owner_id = $2)
ORDER BY s.item_id FOR NO KEY UPDATE OF s

-- name: lock_versions
-- Caller: set_now, for prices that name a version, with the stock rows locked. Index: variants_sku_key. Locks: product rows by slug.
-- Rows: <= the SKUs asked for.
SELECT v.sku, p.version FROM variants v JOIN products p ON p.id = v.product_id
WHERE v.sku = ANY ($1::text[]) ORDER BY p.slug FOR NO KEY UPDATE OF p

-- name: regular
-- Caller: set_now, for the log, with the stock rows locked. Index: prices pkey. Rows: the prices of these items.
SELECT v.sku, r.currency, r.amount_minor, r.compare_at_minor
FROM regular_prices r JOIN variants v USING (item_id) WHERE r.item_id = ANY ($1::bigint[])

-- name: log_prices
-- Caller: set_now. One row a SKU.
INSERT INTO audit_log (actor, action, subject, before, after)
SELECT $1, 'price.set', d.sku, d.before, d.after
FROM json_to_recordset($2::json) AS d(sku text, before json, after json) ORDER BY d.sku

-- name: lists
-- Caller: GET price-lists. Index: price_lists pkey. Rows: <= $4, newest first. $2 status, $3 owner; NULL: any.
SELECT l.id, l.name, l.owner_id, l.status, l.starts_at, l.ends_at, l.began_at, l.over_at, l.version, l.created_by, l.created_at,
       (SELECT count(*) FROM price_list_entries e WHERE e.list_id = l.id)::int AS entries
FROM price_lists l
WHERE ($1::uuid IS NULL OR l.id < $1) AND ($2::text IS NULL OR l.status = $2) AND ($3::uuid IS NULL OR l.owner_id = $3)
ORDER BY l.id DESC LIMIT $4

-- name: list
-- Caller: GET one price list. Index: price_lists pkey. Rows: 0 or 1. $2: only of this owner; NULL: of any.
SELECT id, name, owner_id, status, starts_at, ends_at, began_at, over_at, version, created_by, created_at
FROM price_lists WHERE id = $1 AND ($2::uuid IS NULL OR owner_id = $2)

-- name: lock_list
-- Caller: change, cancel, first of their transactions. Index: price_lists pkey. Locks: the row. Rows: 0 or 1.
SELECT id, name, owner_id, status, starts_at, ends_at, began_at, over_at, version, created_by, created_at
FROM price_lists WHERE id = $1 AND ($2::uuid IS NULL OR owner_id = $2) FOR UPDATE

-- name: entries
-- Caller: GET one price list, change. Index: price_list_entries pkey. Rows: <= PRICE_LIST_ENTRIES_MAX.
SELECT v.sku, e.currency, e.amount_minor, e.compare_at_minor
FROM price_list_entries e JOIN variants v USING (item_id) WHERE e.list_id = $1 ORDER BY v.sku, e.currency

-- name: lock_entries
-- Caller: whoever begins, ends or changes a list, with its row locked. Index: price_list_entries pkey. Locks: stock rows by item_id.
SELECT s.item_id FROM stock s
WHERE s.item_id IN (SELECT item_id FROM price_list_entries WHERE list_id = $1)
ORDER BY s.item_id FOR NO KEY UPDATE

-- name: overlapping
-- Caller: plan, change, with the stock rows of all entries locked: nobody plans others for them meanwhile.
-- Index: price_list_entries_item. Rows: 0 or 1. $2 to $3: the time; $4: the list itself.
SELECT v.sku, e.currency, l.name
FROM jsonb_to_recordset($1::jsonb) AS d(item_id bigint, currency text)
JOIN price_list_entries e ON e.item_id = d.item_id AND e.currency = d.currency
JOIN price_lists l ON l.id = e.list_id
JOIN variants v ON v.item_id = e.item_id
WHERE l.status <> 'over' AND l.ends_at IS NOT NULL AND l.id <> $4 AND l.starts_at < $3 AND l.ends_at > $2
LIMIT 1

-- name: add_list
-- Caller: plan. Rows: 1. Without a start it begins at the relay's next look.
INSERT INTO price_lists (id, name, owner_id, starts_at, ends_at, created_by)
VALUES ($1, $2, $3, coalesce($4::timestamptz, now()), $5, $6)

-- name: add_entries
-- Caller: plan, change, with the stock rows locked. Rows: <= PRICE_LIST_ENTRIES_MAX.
INSERT INTO price_list_entries (list_id, item_id, currency, amount_minor, compare_at_minor)
SELECT $1, d.item_id, d.currency, d.amount_minor, d.compare_at_minor
FROM jsonb_to_recordset($2::jsonb) AS d(item_id bigint, currency text, amount_minor bigint, compare_at_minor bigint)

-- name: drop_entries
-- Caller: change, with the list's row locked. Index: price_list_entries pkey.
DELETE FROM price_list_entries WHERE list_id = $1

-- name: change_list
-- Caller: change, with the row locked. Rows: 1.
UPDATE price_lists SET name = $2, starts_at = $3, ends_at = $4, version = version + 1 WHERE id = $1

-- name: drop_list
-- Caller: cancel, of a list that has not begun, with the row locked. Its entries go with it.
DELETE FROM price_lists WHERE id = $1

-- name: take_due
-- Caller: begin_and_end, every CATALOG_CLOCK_INTERVAL_S. Index: price_lists_to_begin, price_lists_to_end. Rows: 0 or 1, ends
-- before beginnings. Locks: the row; what another relay or an editor holds is left to the next look.
SELECT id, status, ends_at IS NULL AS for_good, coalesce(ends_at <= now(), false) AS is_past
FROM price_lists
WHERE (status = 'waiting' AND starts_at <= now()) OR (status = 'running' AND ends_at <= now())
ORDER BY status = 'waiting', starts_at
LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: cover
-- Caller: begin_and_end, with the stock rows locked. Index: prices pkey. Rows: the list's entries. The regular price waits; one
-- that waits already under a list that is about to end goes on waiting.
INSERT INTO prices AS r (item_id, currency, amount_minor, compare_at_minor, list_id)
SELECT item_id, currency, amount_minor, compare_at_minor, list_id
FROM price_list_entries WHERE list_id = $1 ORDER BY item_id, currency
ON CONFLICT (item_id, currency) DO UPDATE SET
    amount_minor = EXCLUDED.amount_minor, compare_at_minor = EXCLUDED.compare_at_minor, list_id = EXCLUDED.list_id,
    regular_minor = CASE WHEN r.list_id IS NULL THEN r.amount_minor ELSE r.regular_minor END,
    regular_compare_at_minor = CASE WHEN r.list_id IS NULL THEN r.compare_at_minor ELSE r.regular_compare_at_minor END
RETURNING r.item_id

-- name: uncover
-- Caller: begin_and_end, cancel, with the stock rows locked. Index: prices_list. Rows: the prices that the list covers; where
-- there is no regular one, the SKU is not sold in that currency any more.
WITH gone AS (
    DELETE FROM prices WHERE list_id = $1 AND regular_minor IS NULL RETURNING item_id
), back AS (
    UPDATE prices SET amount_minor = regular_minor, compare_at_minor = regular_compare_at_minor, list_id = NULL,
                      regular_minor = NULL, regular_compare_at_minor = NULL
    WHERE list_id = $1 AND regular_minor IS NOT NULL
    RETURNING item_id
)
SELECT item_id FROM gone UNION ALL SELECT item_id FROM back

-- name: listed
-- Caller: begin_and_end, for a list without an end. Index: price_list_entries pkey. Rows: <= PRICE_LIST_ENTRIES_MAX.
SELECT item_id, currency, amount_minor, compare_at_minor FROM price_list_entries WHERE list_id = $1

-- name: move_list
-- Caller: begin_and_end, cancel, with the row locked. Rows: 1. $2: the status; $3: who moved it.
WITH moved AS (
    UPDATE price_lists
    SET status = $2, version = version + 1,
        began_at = CASE WHEN $2 = 'running' OR (status = 'waiting' AND ends_at IS NULL) THEN now() ELSE began_at END,
        over_at = CASE WHEN $2 = 'over' THEN now() END
    WHERE id = $1
    RETURNING id, status, name
)
INSERT INTO audit_log (actor, action, subject, after)
SELECT $3, CASE status WHEN 'running' THEN 'price_list.begin' ELSE 'price_list.end' END, id::text,
       json_build_object('name', name, 'status', status)
FROM moved
