-- name: list_endpoints
-- Caller: GET webhooks. By primary key, newest first, before id $1 (null: from the newest), at most $2.
SELECT id, url, events, description, active, secret_number, rotated_at, failing_since, last_error, version, created_by, created_at
FROM webhook_endpoints WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2

-- name: endpoint
-- Caller: GET webhook. By primary key.
SELECT id, url, events, description, active, secret_number, rotated_at, failing_since, last_error, version, created_by, created_at
FROM webhook_endpoints WHERE id = $1

-- name: lock_endpoint
-- Caller: change, rotate, remove, in their transactions. By primary key; locks the row.
SELECT id, url, events, description, active, secret_number, rotated_at, failing_since, last_error, version, created_by, created_at
FROM webhook_endpoints WHERE id = $1 FOR UPDATE

-- name: count_endpoints
-- Caller: add. At most WEBHOOK_ENDPOINTS_MAX rows.
SELECT count(*) FROM webhook_endpoints

-- name: add_endpoint
-- Caller: add. One row.
INSERT INTO webhook_endpoints (id, url, events, description, active, created_by) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id, url, events, description, active, secret_number, rotated_at, failing_since, last_error, version, created_by, created_at

-- name: change_endpoint
-- Caller: change, rotate, with the row locked. $6: the secret has a new number.
UPDATE webhook_endpoints
SET url = $2, events = $3, description = $4, active = $5, version = version + 1, updated_at = now(),
    secret_number = CASE WHEN $6 THEN secret_number + 1 ELSE secret_number END,
    rotated_at = CASE WHEN $6 THEN now() ELSE rotated_at END
WHERE id = $1
RETURNING id, url, events, description, active, secret_number, rotated_at, failing_since, last_error, version, created_by, created_at

-- name: remove_endpoint
-- Caller: remove, with the row locked. Messages that are owed to it end with it: their actor finds nobody.
DELETE FROM webhook_endpoints WHERE id = $1

-- name: message
-- Caller: send. By primary keys; none when the endpoint is gone or rests. $3: how long both secrets sign, in seconds.
SELECT e.url, e.secret_number, w.payload::text AS body, w.payload ->> 'id' AS message_id,
       coalesce(e.rotated_at > now() - make_interval(secs => $3), false) AS signs_with_both
FROM outbox w JOIN webhook_endpoints e ON e.id = w.subject_id
WHERE w.id = $1 AND e.id = $2 AND e.active

-- name: delivered
-- Caller: send. Finishes outbox row $2; an endpoint that failed is well again.
WITH done AS (DELETE FROM outbox WHERE id = $2)
UPDATE webhook_endpoints SET failing_since = NULL, last_error = NULL WHERE id = $1 AND failing_since IS NOT NULL

-- name: failed
-- Caller: send. By primary key; written when it says something new.
UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, now()), last_error = $2
WHERE id = $1 AND (failing_since IS NULL OR last_error <> $2)

-- name: gone
-- Caller: send, after a 410. The subscriber wants no more: the endpoint rests, outbox row $2 is finished.
WITH done AS (DELETE FROM outbox WHERE id = $2)
UPDATE webhook_endpoints
SET active = false, version = version + 1, failing_since = coalesce(failing_since, now()), last_error = 'it answered 410 Gone'
WHERE id = $1
