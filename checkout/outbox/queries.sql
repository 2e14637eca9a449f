-- name: take_due
-- Caller: relay. $1 topics, $2 most rows, $3 deadlines in seconds, $4 most tries: one element a topic. By outbox_due; skips rows that
-- another relay is taking. Each row taken is due again at its deadline unless its actor deletes it before.
WITH due AS (
    SELECT o.id, t.deadline_s
    FROM unnest($1::text[], $2::int[], $3::float8[], $4::int[]) AS t (topic, most, deadline_s, attempts_max)
    CROSS JOIN LATERAL (
        SELECT id FROM outbox
        WHERE topic = t.topic AND parked_at IS NULL AND available_at <= now() AND attempts < t.attempts_max
        ORDER BY available_at, id LIMIT t.most FOR UPDATE SKIP LOCKED
    ) o
)
UPDATE outbox o SET available_at = now() + make_interval(secs => d.deadline_s), attempts = o.attempts + 1
FROM due d WHERE o.id = d.id
RETURNING o.id, o.topic, o.subject_id, o.attempts

-- name: finish
-- Caller: an actor's own commit, or alone when there is nothing to do. By primary key.
DELETE FROM outbox WHERE id = ANY ($1::bigint[])

-- name: again
-- Caller: actors, after a failure or to ask later. $3 seconds from now; parked when $4. By primary key.
UPDATE outbox
SET available_at = now() + make_interval(secs => $3), last_error = $2,
    parked_at = CASE WHEN $4 THEN now() END
WHERE id = $1

-- name: give_up
-- Caller: relay. Rows sent $2 times without a word from any actor; by outbox_due, at most 100.
UPDATE outbox SET parked_at = now(), last_error = coalesce(last_error, 'no worker finished it in time')
WHERE id IN (
    SELECT id FROM outbox WHERE topic = $1 AND parked_at IS NULL AND available_at <= now() AND attempts >= $2
    ORDER BY available_at, id LIMIT 100 FOR UPDATE SKIP LOCKED
)

-- name: owe
-- Caller: commits that owe work. One element a row; a row of the same topic and subject that is still open is enough when $5.
INSERT INTO outbox (topic, subject_id, payload, available_at)
SELECT w.topic, w.subject_id, w.payload::json, now() + make_interval(secs => w.delay_s)
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::float8[]) AS w (topic, subject_id, payload, delay_s)
WHERE NOT $5 OR NOT EXISTS (
    SELECT FROM outbox o WHERE o.subject_id = w.subject_id AND o.topic = w.topic
)

-- name: payload
-- Caller: actors whose topic carries one. By primary key.
SELECT payload FROM outbox WHERE id = $1

-- name: parked
-- Caller: admin. By outbox_parked, newest first; rows parked before ($1, $2), at most $3.
SELECT id, topic, subject_id, payload, attempts, created_at, parked_at, last_error
FROM outbox
WHERE parked_at IS NOT NULL AND ($1::timestamptz IS NULL OR (parked_at, id) < ($1, $2))
ORDER BY parked_at DESC, id DESC LIMIT $3

-- name: replay
-- Caller: admin. By primary key; a row that is not parked stays as it is. Writes the audit log for actor $2.
WITH replayed AS (
    UPDATE outbox SET parked_at = NULL, attempts = 0, available_at = now()
    WHERE id = $1 AND parked_at IS NOT NULL
    RETURNING id, topic, subject_id
), logged AS (
    INSERT INTO audit_log (actor, action, subject, after)
    SELECT $2, 'dead-letter.replay', id::text, json_build_object('topic', topic, 'subject_id', subject_id) FROM replayed
)
SELECT id FROM replayed

-- name: depth
-- Caller: stats, metrics. Counts are cut at 10,000 a topic; by outbox_due and outbox_parked.
SELECT t.topic,
       (SELECT count(*) FROM (SELECT FROM outbox WHERE topic = t.topic AND parked_at IS NULL LIMIT 10000) c) AS open,
       coalesce((SELECT extract(epoch FROM now() - min(created_at))
                 FROM (SELECT created_at FROM outbox WHERE topic = t.topic AND parked_at IS NULL
                       ORDER BY available_at, id LIMIT 1000) a), 0)::float8 AS oldest_s
FROM unnest($1::text[]) AS t (topic)

-- name: count_parked
-- Caller: stats. By outbox_parked.
SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL
