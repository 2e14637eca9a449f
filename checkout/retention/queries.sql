-- name: make_months
-- Caller: RetentionStore.make_months, by the relay. Months from this one to $1 months ahead; DDL only for those that are missing.
SELECT make_order_months(now()::date, (now() + make_interval(months => $1))::date)

-- name: analyze
-- Caller: RetentionStore.analyze, by the relay, once a day. Samples of the four tables by month.
SELECT analyze_order_months()

-- name: forget_claims
-- Caller: RetentionStore.forget, by the relay. The next $2 orders whose keys are older than $1 seconds: by the orders' primary key from
-- where it stopped, and order_claims by its own. Locks claims_kept; a second relay finds nothing to do meanwhile.
WITH kept AS MATERIALIZED (
    SELECT since, uuid_at(now() - make_interval(secs => $1)) AS until FROM claims_kept FOR UPDATE SKIP LOCKED
), old AS MATERIALIZED (
    SELECT id, claim_id FROM orders
    WHERE id >= (SELECT since FROM kept) AND id < (SELECT until FROM kept) ORDER BY id LIMIT $2
), next AS (
    SELECT CASE WHEN (SELECT count(*) FROM old) < $2 THEN kept.until
                ELSE (SELECT id FROM old ORDER BY id DESC LIMIT 1) END AS since
    FROM kept WHERE kept.until > kept.since
), forgotten AS (
    DELETE FROM order_claims c USING old, next WHERE c.claim_id = old.claim_id AND old.id < next.since
), moved AS (
    UPDATE claims_kept k SET since = next.since FROM next
)
SELECT count(*) FROM old

-- name: forget_webhooks
-- Caller: RetentionStore.forget. Handled ones that came more than $1 seconds ago, at most $2, oldest first by primary key (a UUIDv7).
WITH old AS (
    SELECT id FROM webhook_inbox
    WHERE id < uuid_at(now() - make_interval(secs => $1)) AND handled_at IS NOT NULL ORDER BY id LIMIT $2
), gone AS (
    DELETE FROM webhook_inbox WHERE id = ANY (ARRAY(SELECT id FROM old))
)
SELECT count(*) FROM old

-- name: forget_requests
-- Caller: RetentionStore.forget. Answers to admins' requests older than $1 seconds, at most $2, by admin_requests_at.
WITH old AS (
    SELECT key FROM admin_requests WHERE at < now() - make_interval(secs => $1) ORDER BY at LIMIT $2
), gone AS (
    DELETE FROM admin_requests WHERE key = ANY (ARRAY(SELECT key FROM old))
)
SELECT count(*) FROM old

-- name: months
-- Caller: archive. One row a month with its size; a look at the catalogue, not at the rows.
SELECT name, archived_at, orders, bytes, lower <= uuid_at(now()) AND upper > uuid_at(now()) AS is_now FROM order_month_sizes
ORDER BY lower

-- name: month_stays
-- Caller: archive --dry-run. One scan of the month; why it cannot be archived, or null.
SELECT order_month_stays($1)

-- name: archive_month
-- Caller: archive. One scan of the month, one transaction; locks as the function says. How many orders left.
SELECT archive_order_month($1)

-- name: restore_month
-- Caller: archive --restore. One transaction. How many orders came back.
SELECT restore_order_month($1)
