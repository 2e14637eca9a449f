-- Jobs and their files. Lock order: the job's row, the turn of imports, then as the catalogue's writes.

-- name: make_job
-- Caller: POST imports, POST exports, commands. One row.
INSERT INTO bulk_jobs (id, kind, format, status, actor, owner_id, asked, dry_run)
VALUES ($1, $2, $3, $4, $5, $6, $7::json, $8)

-- name: job
-- Caller: every read of one job, and each slice. By primary key.
SELECT id, kind, format, status, actor, owner_id, asked, dry_run, fingerprint, bytes_total, bytes_done, rows_total, rows_done,
       rows_failed, problems, after_key, result, error, created_at, started_at, finished_at, files_dropped_at
FROM bulk_jobs WHERE id = $1

-- name: job_of_key
-- Caller: POST imports with an Idempotency-Key. By bulk_jobs_idempotency_key_key, one row.
SELECT id, fingerprint FROM bulk_jobs WHERE idempotency_key = $1

-- name: jobs
-- Caller: GET imports, GET exports. Jobs of kind $1 before $2, newest first, of the owner $3 (NULL: all); by bulk_jobs_list,
-- at most $4 rows for admins. A vendor's page reads past the jobs of others.
SELECT id, kind, format, status, actor, owner_id, asked, dry_run, fingerprint, bytes_total, bytes_done, rows_total, rows_done,
       rows_failed, problems, after_key, result, error, created_at, started_at, finished_at, files_dropped_at
FROM bulk_jobs
WHERE kind = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::uuid IS NULL OR owner_id = $3)
ORDER BY id DESC LIMIT $4

-- name: add_piece
-- Caller: whoever receives a file. One row.
INSERT INTO bulk_pieces (job_id, seq, content) VALUES ($1, $2, $3)

-- name: append_piece
-- Caller: each page of an export, with the job's row locked. By bulk_pieces_pkey; one row.
INSERT INTO bulk_pieces (job_id, seq, content)
SELECT $1, coalesce(max(seq) + 1, 0), $2 FROM bulk_pieces WHERE job_id = $1

-- name: piece
-- Caller: whoever reads a file. By primary key.
SELECT content FROM bulk_pieces WHERE job_id = $1 AND seq = $2

-- name: received
-- Caller: POST imports, when the file is there. By primary key; trips bulk_jobs_idempotency_key_key when the key is another
-- job's.
UPDATE bulk_jobs SET status = 'queued', bytes_total = $2, rows_total = $3, fingerprint = $4, idempotency_key = $5,
                     updated_at = now()
WHERE id = $1 AND status = 'receiving'

-- name: drop_job
-- Caller: POST imports, when the file did not arrive or was sent before. By primary key; its pieces go with it.
DELETE FROM bulk_jobs WHERE id = $1 AND status = 'receiving'

-- name: begin
-- Caller: each slice. By primary key; nothing for a job that is over.
UPDATE bulk_jobs SET status = 'running', started_at = coalesce(started_at, now()), updated_at = now()
WHERE id = $1 AND status IN ('queued', 'running')
RETURNING id

-- name: hold
-- Caller: each chunk, first of its transaction. Locks the job's row, so that a job is moved by one at a time and not over its
-- cancellation.
SELECT status, bytes_done, after_key FROM bulk_jobs WHERE id = $1 FOR UPDATE

-- name: turn
-- Caller: each chunk of an import. One chunk at a time in the whole shop: imports take turns, and their load is bounded.
SELECT pg_advisory_xact_lock(6023417)

-- name: tell_each
-- Caller: each chunk of an import, for its transaction: products that changed are told one by one, up to $1 of them. The commit
-- does not wait for the disk ($2 = off): were it lost, its rows and the job's place would be lost together, and done again.
SELECT set_config('catalog.each', $1, true), set_config('synchronous_commit', $2, true)

-- name: seen
-- Caller: each chunk. Which of these names the file has used before; by primary key.
SELECT key FROM bulk_seen WHERE job_id = $1 AND key = ANY ($2::text[])

-- name: remember
-- Caller: each chunk. As many rows as names.
INSERT INTO bulk_seen (job_id, key) SELECT $1, k FROM unnest($2::text[]) k ON CONFLICT DO NOTHING

-- name: lock_products
-- Caller: each chunk, after the catalogue's lock_stock_of. By products_slug_key, in slug order.
SELECT slug, owner_id FROM products WHERE slug = ANY ($1::text[]) ORDER BY slug FOR NO KEY UPDATE

-- name: known_skus
-- Caller: each chunk, with stock and products locked. By variants_sku_key, variants_product and stock_policies_pkey; rows:
-- variants of the chunk.
SELECT v.sku, v.item_id, p.slug, v.position, s.on_hand, s.reserved, s.backorder_limit,
       EXISTS (SELECT FROM stock_policies sp WHERE sp.item_id = v.item_id) AS has_policy
FROM variants v JOIN products p ON p.id = v.product_id JOIN stock s ON s.item_id = v.item_id
WHERE v.sku = ANY ($2::text[])
UNION
SELECT v.sku, v.item_id, p.slug, v.position, s.on_hand, s.reserved, s.backorder_limit,
       EXISTS (SELECT FROM stock_policies sp WHERE sp.item_id = v.item_id)
FROM products p JOIN variants v ON v.product_id = p.id JOIN stock s ON s.item_id = v.item_id
WHERE p.slug = ANY ($1::text[])

-- name: products_of
-- Caller: each chunk. By products_slug_key; rows: products of the chunk that exist.
SELECT slug, title, description, vendor, status, tax_class, tags, attributes, images, category_ids, variants
FROM bulk_products WHERE slug = ANY ($1::text[])

-- name: categories
-- Caller: each slice. Rows: <= 5,000.
SELECT id, parent_id, slug, name FROM categories LIMIT 5000

-- name: count_stock
-- Caller: each chunk, for SKUs that exist, their stock rows locked. $1 items, $2 differences (none is 0), $3 movement ids.
-- Trips stock_never_oversold when less would be left than is promised; units that a policy keeps back give way to promises.
WITH counted AS (
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::uuid[]) AS c (item_id, delta, movement_id)
), moved AS (
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, reason, actor)
    SELECT movement_id, item_id, 'adjustment', delta, $4, $5 FROM counted ORDER BY item_id
), told AS (
    INSERT INTO gate_suspects (item_id) SELECT item_id FROM counted ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET since = EXCLUDED.since
)
UPDATE stock s SET on_hand = s.on_hand + c.delta,
                   backorder_limit = greatest(s.backorder_limit, least(0, s.reserved - s.on_hand - c.delta))
FROM counted c WHERE s.item_id = c.item_id

-- name: add_problems
-- Caller: each chunk. $2 the first number, then one element a problem.
INSERT INTO bulk_problems (job_id, number, row, field, severity, message, value)
SELECT $1, $2 + at - 1, row, field, severity, message, value
FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY
     AS p (row, field, severity, message, value, at)

-- name: problems
-- Caller: GET errors.csv. By primary key, after number $2, at most $3 rows.
SELECT number, row, field, severity, message, value FROM bulk_problems
WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT $3

-- name: advance
-- Caller: each chunk, last of its transaction. By primary key.
UPDATE bulk_jobs
SET bytes_done = $2, rows_done = $3, rows_failed = $4, problems = $5, result = $6::json, after_key = $7, bytes_total = $8,
    rows_total = greatest(rows_total, $3), updated_at = now()
WHERE id = $1

-- name: end_job
-- Caller: the last chunk, a cancellation, a failure. By primary key; nothing when it was over already.
UPDATE bulk_jobs
SET status = $2, error = $3, finished_at = now(), updated_at = now(), started_at = coalesce(started_at, now()),
    rows_total = CASE WHEN $2 = 'done' THEN rows_done ELSE rows_total END
WHERE id = $1 AND finished_at IS NULL
RETURNING id

-- name: drop_pieces
-- Caller: the end of an import. By bulk_pieces_pkey: <= IMPORT_BODY_MAX_BYTES / BULK_PIECE_BYTES rows.
DELETE FROM bulk_pieces WHERE job_id = $1

-- name: drop_seen
-- Caller: the end of an import, and the sweeper. By bulk_seen_pkey, at most $2 rows.
DELETE FROM bulk_seen
WHERE job_id = $1 AND key = ANY (ARRAY(SELECT key FROM bulk_seen WHERE job_id = $1 ORDER BY key LIMIT $2))

-- name: products_page
-- Caller: each page of an export. Products after the slug $1, by products_slug_key; at most $5. Filters: status, category with
-- all below it, owner. What they leave out is read past.
WITH RECURSIVE branch AS (
    SELECT id FROM categories WHERE slug = $3
    UNION
    SELECT c.id FROM categories c JOIN branch b ON c.parent_id = b.id
)
SELECT b.slug, b.title, b.description, b.vendor, b.status, b.tax_class, b.tags, b.attributes, b.images, b.category_ids, b.variants
FROM bulk_products b
WHERE b.slug > $1 AND ($2::text IS NULL OR b.status = $2) AND ($4::uuid IS NULL OR b.owner_id = $4)
  AND ($3::text IS NULL OR EXISTS (SELECT FROM product_categories pc WHERE pc.product_id = b.id
                                                                     AND pc.category_id IN (SELECT id FROM branch)))
ORDER BY b.slug LIMIT $5

-- name: currencies
-- Caller: an export's start. Reads all prices.
SELECT DISTINCT currency FROM prices ORDER BY currency

-- name: attribute_names
-- Caller: an export's start. Reads all products.
SELECT DISTINCT jsonb_object_keys(attributes) AS name FROM products ORDER BY name

-- name: count_rows
-- Caller: an export's start. An estimate of its rows: all variants.
SELECT count(*) FROM variants

-- name: stalled
-- Caller: the sweeper. Jobs that nobody moves: no commit for $1 seconds and no outbox row; by bulk_jobs_open, at most 20.
SELECT j.id FROM bulk_jobs j
WHERE j.finished_at IS NULL AND j.status <> 'receiving' AND j.updated_at < now() - make_interval(secs => $1)
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.subject_id = j.id)
ORDER BY j.updated_at LIMIT 20

-- name: drop_unreceived
-- Caller: the sweeper. Files whose sender went away, after $1 seconds; by bulk_jobs_open, at most 5.
DELETE FROM bulk_jobs WHERE id IN (
    SELECT id FROM bulk_jobs
    WHERE finished_at IS NULL AND status = 'receiving' AND updated_at < now() - make_interval(secs => $1) LIMIT 5
)

-- name: old
-- Caller: the sweeper. Jobs whose files are kept no longer, after $1 seconds; by bulk_jobs_files, at most 5.
SELECT id FROM bulk_jobs WHERE files_dropped_at IS NULL AND finished_at < now() - make_interval(secs => $1) LIMIT 5

-- name: drop_problems
-- Caller: the sweeper. By bulk_problems_pkey: <= BULK_PROBLEMS_MAX rows.
DELETE FROM bulk_problems WHERE job_id = $1

-- name: files_dropped
-- Caller: the sweeper, with drop_pieces, drop_seen and drop_problems. By primary key.
UPDATE bulk_jobs SET files_dropped_at = now() WHERE id = $1

