-- Imports and exports: jobs, the pieces of their files, what was wrong with rows, which names a file has used.

CREATE TABLE bulk_jobs (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('import', 'export')),
    format          text NOT NULL CHECK (format IN ('own', 'shopify')),
    status          text NOT NULL CHECK (status IN ('receiving', 'queued', 'running', 'done', 'failed', 'cancelled')),
    actor           text NOT NULL,
    owner_id        uuid REFERENCES accounts(id),          -- the vendor whose products alone are meant; NULL: all
    asked           json NOT NULL DEFAULT '{}',            -- currency, filters
    dry_run         boolean NOT NULL DEFAULT false,
    idempotency_key uuid UNIQUE,
    fingerprint     uuid,
    bytes_total     bigint NOT NULL DEFAULT 0,
    bytes_done      bigint NOT NULL DEFAULT 0,             -- an import goes on from here
    rows_total      bigint NOT NULL DEFAULT 0,
    rows_done       bigint NOT NULL DEFAULT 0,
    rows_failed     bigint NOT NULL DEFAULT 0,
    problems        int NOT NULL DEFAULT 0,
    after_key       text NOT NULL DEFAULT '',              -- an export goes on after this slug
    result          json NOT NULL DEFAULT '{}',            -- what an import wrote so far
    error           text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    files_dropped_at timestamptz,
    CONSTRAINT bulk_jobs_finished CHECK ((status IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT bulk_jobs_started CHECK (status NOT IN ('running', 'done') OR started_at IS NOT NULL),
    CONSTRAINT bulk_jobs_failed CHECK ((status = 'failed') = (error IS NOT NULL)),
    CONSTRAINT bulk_jobs_rows CHECK (0 <= rows_failed AND rows_failed <= rows_done)
) WITH (fillfactor = 70);
CREATE INDEX bulk_jobs_list ON bulk_jobs (kind, id);
CREATE INDEX bulk_jobs_open ON bulk_jobs (updated_at) WHERE finished_at IS NULL;
CREATE INDEX bulk_jobs_files ON bulk_jobs (finished_at) WHERE files_dropped_at IS NULL;

-- An import's file until it is read, an export's until it is old. Workers may run on other hosts than serve: Postgres is where
-- both can reach it.
CREATE TABLE bulk_pieces (
    job_id  uuid NOT NULL REFERENCES bulk_jobs ON DELETE CASCADE,
    seq     int  NOT NULL CHECK (seq >= 0),
    content bytea NOT NULL,
    PRIMARY KEY (job_id, seq)
);
ALTER TABLE bulk_pieces ALTER COLUMN content SET STORAGE EXTERNAL; -- read once: compressing costs more than it saves

CREATE TABLE bulk_problems (
    job_id   uuid NOT NULL REFERENCES bulk_jobs ON DELETE CASCADE,
    number   int  NOT NULL,
    row      bigint NOT NULL,
    field    text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('error', 'warning')),
    message  text NOT NULL,
    value    text NOT NULL,
    PRIMARY KEY (job_id, number)
);

-- The products and SKUs that a file has named so far: a second time is an error, also after a worker's death.
CREATE TABLE bulk_seen (
    job_id uuid NOT NULL REFERENCES bulk_jobs ON DELETE CASCADE,
    key    text COLLATE "C" NOT NULL,
    PRIMARY KEY (job_id, key)
);

-- A bulk transaction names its products one by one up to the number that it sets (`catalog.each`), so that an import does not
-- empty the caches of everything that it did not touch.
CREATE OR REPLACE FUNCTION notify_catalog(product_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(product_ids) > coalesce(nullif(current_setting('catalog.each', true), ''), '50')::int THEN
        PERFORM pg_notify('catalog', '*');
    ELSE
        PERFORM pg_notify('catalog', p::text) FROM unnest(product_ids) p;
    END IF;
END $$;

-- A product as files carry it: what people set, without the lists that cover its prices now.
CREATE VIEW bulk_products AS
SELECT p.id, p.slug, p.title, p.description, p.vendor, p.status, p.tax_class, p.tags, p.attributes, p.images, p.owner_id,
       ARRAY(SELECT pc.category_id FROM product_categories pc WHERE pc.product_id = p.id) AS category_ids,
       (SELECT coalesce(json_agg(json_build_object(
                   'sku', v.sku, 'title', v.title, 'options', v.options, 'barcode', v.barcode, 'weight_g', v.weight_g,
                   'requires_shipping', v.requires_shipping, 'on_hand', s.on_hand, 'backorder_limit', s.backorder_limit,
                   'prices', (SELECT coalesce(json_object_agg(r.currency, json_build_array(r.amount_minor, r.compare_at_minor)), '{}')
                              FROM regular_prices r WHERE r.item_id = v.item_id))
               ORDER BY v.position, v.item_id), '[]')
        FROM variants v JOIN stock s ON s.item_id = v.item_id
        WHERE v.product_id = p.id AND v.archived_at IS NULL) AS variants
FROM products p;
