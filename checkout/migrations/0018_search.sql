-- What listings and searches read: one row a published product, kept by triggers, so that no writer has to know it.
-- Every filter is a word of `terms`, found by one index: the words that a product says (without accents, folded), and, behind
-- a sign that no word has: `=` a word of the title, `==` the whole of it, `#` a SKU or barcode, `/` a category, `@` the digest of a tag or attribute,
-- `$` a currency with the length and first digit of the lowest price.

SET LOCAL statement_timeout = 0; -- the rows of a large catalogue are made below; until then its writers wait, nobody else does

CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE product_search (
    product_id   uuid PRIMARY KEY REFERENCES products ON DELETE CASCADE,
    published_at timestamptz NOT NULL,
    title_key    text COLLATE "C" NOT NULL,
    rating_key   int  NOT NULL DEFAULT 0,
    currencies   text[]   NOT NULL,          -- with lowest and highest: what the variants cost, in minor units
    lowest       bigint[] NOT NULL,
    highest      bigint[] NOT NULL,
    categories   uuid[]   NOT NULL,          -- as assigned; a question adds the branches below its category
    facets       text[]   NOT NULL,          -- 't' || tag, 'a' || name || '=' || value
    terms        tsvector NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
-- A walk compares the words of every product it passes: they must not be packed.
ALTER TABLE product_search ALTER COLUMN terms SET STORAGE EXTERNAL, ALTER COLUMN facets SET STORAGE MAIN;
CREATE INDEX product_search_terms ON product_search USING gin (terms);
CREATE INDEX product_search_newest ON product_search (published_at DESC, product_id);
CREATE INDEX product_search_title ON product_search (title_key, product_id);
CREATE INDEX product_search_rating ON product_search (rating_key DESC, product_id);

-- The orders by price, one for each currency.
CREATE TABLE product_prices (
    product_id   uuid   NOT NULL REFERENCES product_search ON DELETE CASCADE,
    currency     text   NOT NULL,
    lowest_minor bigint NOT NULL,
    PRIMARY KEY (product_id, currency)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX product_prices_up ON product_prices (currency, lowest_minor, product_id);
CREATE INDEX product_prices_down ON product_prices (currency, lowest_minor DESC, product_id);

-- The words of names: what a misspelt word may have meant, and what a begun one may become. A word that no product has any
-- more does no harm: it is tried, and finds nothing.
CREATE TABLE search_words (word text COLLATE "C" PRIMARY KEY);
CREATE INDEX search_words_similar ON search_words USING gin (word gin_trgm_ops);

-- Words without accents, folded, one space between them: the same for what is stored and for what is asked.
CREATE FUNCTION search_text(given text) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(lower(regexp_replace(unaccent(given), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')))
$$;

-- Names like the given word, the likest first. Two letters swapped in a short word come to just this likeness.
CREATE FUNCTION search_similar(given text, most int) RETURNS SETOF text LANGUAGE plpgsql STABLE
    SET pg_trgm.similarity_threshold = 0.19 AS $$
BEGIN
    RETURN QUERY
    SELECT w.word FROM search_words w WHERE w.word % given ORDER BY similarity(w.word, given) DESC, w.word LIMIT most;
END $$;

CREATE FUNCTION search_digest(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT '@' || left(encode(sha256(convert_to(given, 'UTF8')), 'hex'), 32)
$$;

-- Brings the rows of these products up to date. Rows are locked first, in order: of two writers of one product the second
-- then sees what the first one did.
CREATE FUNCTION search_refresh(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM product_search WHERE product_id = ANY (ids) ORDER BY product_id FOR NO KEY UPDATE;
    DELETE FROM product_search s USING products p
    WHERE s.product_id = ANY (ids) AND p.id = s.product_id AND p.status <> 'published';

    WITH chosen AS MATERIALIZED (
        SELECT p.id, p.published_at, p.vendor, p.tags, p.attributes, search_text(p.title) AS title_key,
               search_text(left(regexp_replace(left(p.description, 4000), '<[^>]*>', ' ', 'g'), 1000)) AS description
        FROM products p WHERE p.id = ANY (ids) AND p.status = 'published'
    ), sold AS MATERIALIZED (
        SELECT v.item_id, v.product_id, v.sku, v.barcode, v.options
        FROM variants v WHERE v.product_id = ANY (ids) AND v.archived_at IS NULL
    ), coded AS (
        SELECT product_id, array_agg(sku) AS skus, array_agg(barcode) FILTER (WHERE barcode IS NOT NULL) AS barcodes
        FROM sold GROUP BY product_id
    ), priced AS (
        SELECT product_id, array_agg(currency ORDER BY currency) AS currencies, array_agg(lowest ORDER BY currency) AS lowest,
               array_agg(highest ORDER BY currency) AS highest,
               array_agg('$' || currency || length(lowest::text) || left(lowest::text, 1)) AS ranges
        FROM (SELECT sold.product_id, r.currency, min(r.amount_minor) AS lowest, max(r.amount_minor) AS highest
              FROM sold JOIN prices r ON r.item_id = sold.item_id GROUP BY sold.product_id, r.currency) x
        GROUP BY product_id
    ), named AS (
        SELECT id, array_agg(DISTINCT lower(name) || '=' || value) AS pairs, string_agg(DISTINCT value, ' ') AS said
        FROM (SELECT c.id, a.key AS name, a.value FROM chosen c, jsonb_each_text(c.attributes) a
              UNION ALL
              SELECT sold.product_id, o.key, o.value FROM sold, jsonb_each_text(sold.options) o) x
        WHERE value IS NOT NULL
        GROUP BY id
    ), placed AS (
        SELECT product_id, array_agg(category_id ORDER BY category_id) AS categories
        FROM product_categories WHERE product_id = ANY (ids) GROUP BY product_id
    ), worded AS MATERIALIZED (
        SELECT c.*, coded.skus, coded.barcodes, priced.currencies, priced.lowest, priced.highest, priced.ranges, named.pairs, placed.categories,
               string_to_array(search_text(concat_ws(' ', c.title_key, c.vendor, array_to_string(c.tags, ' '), named.said)), ' ')
                   AS names
        FROM chosen c
        LEFT JOIN coded ON coded.product_id = c.id
        LEFT JOIN priced ON priced.product_id = c.id
        LEFT JOIN named ON named.id = c.id
        LEFT JOIN placed ON placed.product_id = c.id
    ), learnt AS (
        INSERT INTO search_words (word)
        SELECT DISTINCT n FROM worded, unnest(names) n
        WHERE length(n) BETWEEN 3 AND 40 AND NOT EXISTS (SELECT FROM search_words k WHERE k.word = n)
        ORDER BY n
        ON CONFLICT DO NOTHING
    ), made AS (
        SELECT id, published_at, title_key, coalesce(currencies, '{}') AS currencies, coalesce(lowest, '{}') AS lowest,
               coalesce(highest, '{}') AS highest, coalesce(categories, '{}') AS categories,
               ARRAY(SELECT 't' || t FROM unnest(tags) t) || ARRAY(SELECT 'a' || p FROM unnest(pairs) p) AS facets,
               array_to_tsvector(ARRAY(
                   SELECT left(term, 100) FROM (
                       SELECT unnest(names || string_to_array(description, ' ')
                                     || string_to_array(search_text(array_to_string(skus[1:100], ' ')), ' ')) AS term
                       UNION ALL SELECT '=' || w FROM unnest(string_to_array(title_key, ' ')) w
                       UNION ALL SELECT '==' || title_key
                       UNION ALL SELECT '#' || upper(s) FROM unnest(skus || barcodes) s
                       UNION ALL SELECT '/' || k FROM unnest(categories) k
                       UNION ALL SELECT search_digest('t' || t) FROM unnest(tags) t
                       UNION ALL SELECT search_digest('a' || p) FROM unnest(pairs) p
                       UNION ALL SELECT unnest(ranges)) every
                   WHERE term <> '')) AS terms
        FROM worded
    )
    INSERT INTO product_search AS s
        (product_id, published_at, title_key, currencies, lowest, highest, categories, facets, terms)
    SELECT id, published_at, title_key, currencies, lowest, highest, categories, facets, terms
    FROM made ORDER BY id
    ON CONFLICT (product_id) DO UPDATE SET
        published_at = EXCLUDED.published_at, title_key = EXCLUDED.title_key,
        currencies = EXCLUDED.currencies, lowest = EXCLUDED.lowest, highest = EXCLUDED.highest,
        categories = EXCLUDED.categories, facets = EXCLUDED.facets, terms = EXCLUDED.terms
    WHERE (s.published_at, s.title_key, s.currencies, s.lowest, s.highest, s.categories, s.facets, s.terms)
          IS DISTINCT FROM (EXCLUDED.published_at, EXCLUDED.title_key, EXCLUDED.currencies, EXCLUDED.lowest,
                            EXCLUDED.highest, EXCLUDED.categories, EXCLUDED.facets, EXCLUDED.terms);

    DELETE FROM product_prices r USING product_search s
    WHERE r.product_id = ANY (ids) AND s.product_id = r.product_id AND r.currency <> ALL (s.currencies);
    INSERT INTO product_prices AS r (product_id, currency, lowest_minor)
    SELECT s.product_id, p.currency, p.lowest
    FROM product_search s, unnest(s.currencies, s.lowest) p(currency, lowest) WHERE s.product_id = ANY (ids) ORDER BY 1, 2
    ON CONFLICT (product_id, currency) DO UPDATE SET lowest_minor = EXCLUDED.lowest_minor
    WHERE r.lowest_minor <> EXCLUDED.lowest_minor;
END $$;

-- What a transaction has touched, until it commits: then each product is brought up to date once, however often and in how
-- many tables it was written. Rows never outlive their transaction.
CREATE UNLOGGED TABLE search_touched (product_ids uuid[] NOT NULL);

CREATE FUNCTION search_settle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ids uuid[];
BEGIN
    WITH taken AS (DELETE FROM search_touched RETURNING product_ids)
    SELECT array_agg(DISTINCT id ORDER BY id) INTO ids FROM taken, unnest(product_ids) id;
    IF ids IS NOT NULL THEN
        PERFORM search_refresh(ids);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER search_touched_settle AFTER INSERT ON search_touched DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION search_settle();

CREATE FUNCTION search_touch_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_touched SELECT array_agg(id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER products_inserted_search AFTER INSERT ON products REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch_products();
CREATE TRIGGER products_updated_search AFTER UPDATE ON products REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch_products();

-- Variants and memberships name their product.
CREATE FUNCTION search_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_touched SELECT array_agg(DISTINCT product_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER variants_inserted_search AFTER INSERT ON variants REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER variants_updated_search AFTER UPDATE ON variants REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER variants_left_search AFTER UPDATE ON variants REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER variants_deleted_search AFTER DELETE ON variants REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER memberships_inserted_search AFTER INSERT ON product_categories REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER memberships_updated_search AFTER UPDATE ON product_categories REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER memberships_deleted_search AFTER DELETE ON product_categories REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch();

CREATE FUNCTION search_touch_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_touched
    SELECT array_agg(DISTINCT v.product_id) FROM changed c JOIN variants v ON v.item_id = c.item_id HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER prices_inserted_search AFTER INSERT ON prices REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch_prices();
CREATE TRIGGER prices_updated_search AFTER UPDATE ON prices REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch_prices();
CREATE TRIGGER prices_deleted_search AFTER DELETE ON prices REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_touch_prices();

-- The products that are there already; in parts, so that no statement takes long.
DO $$
DECLARE part uuid[]; last uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    LOOP
        SELECT array_agg(id) INTO part FROM (SELECT id FROM products WHERE status = 'published' AND id > last ORDER BY id LIMIT 1000) p;
        EXIT WHEN part IS NULL;
        PERFORM search_refresh(part);
        last := part[cardinality(part)];
    END LOOP;
END $$;
