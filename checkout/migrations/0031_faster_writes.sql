-- A file of new products is written with less work: what nobody could have seen is not made stale, and texts are taken apart
-- with fewer matches. What is stored is the same as before.

-- Words without accents, folded, one space between them. A space between two words is left where it is: each match of a regular
-- expression costs more than all letters of a word.
CREATE OR REPLACE FUNCTION search_text(given text) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(lower(regexp_replace(unaccent(given),
        ' [\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+|[\x01-\x1f\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f][\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]*',
        ' ', 'g')))
$$;

-- As 0018 made it, with the terms put together as one text, and each product's variants looked up by their index: joined as
-- rows of one list, they were gone through whole for each product.
CREATE OR REPLACE FUNCTION search_refresh(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM product_search WHERE product_id = ANY (ids) ORDER BY product_id FOR NO KEY UPDATE;
    DELETE FROM product_search s USING products p
    WHERE s.product_id = ANY (ids) AND p.id = s.product_id AND p.status <> 'published';

    WITH chosen AS MATERIALIZED (
        SELECT p.id, p.published_at, p.vendor, p.tags, p.attributes, search_text(p.title) AS title_key,
               left(regexp_replace(left(p.description, 4000), '<[^>]*>', ' ', 'g'), 1000) AS description
        FROM products p WHERE p.id = ANY (ids) AND p.status = 'published'
    ), described AS (
        SELECT c.*, coded.skus, coded.barcodes, priced.currencies, priced.lowest, priced.highest, priced.ranges,
               named.pairs, named.said, placed.categories
        FROM chosen c
        CROSS JOIN LATERAL (
            SELECT array_agg(v.sku) AS skus, array_agg(v.barcode) FILTER (WHERE v.barcode IS NOT NULL) AS barcodes
            FROM variants v WHERE v.product_id = c.id AND v.archived_at IS NULL
        ) coded
        CROSS JOIN LATERAL (
            SELECT array_agg(currency ORDER BY currency) AS currencies, array_agg(x.lowest ORDER BY currency) AS lowest,
                   array_agg(x.highest ORDER BY currency) AS highest,
                   string_agg('$' || currency || length(x.lowest::text) || left(x.lowest::text, 1), ' ') AS ranges
            FROM (SELECT r.currency, min(r.amount_minor) AS lowest, max(r.amount_minor) AS highest
                  FROM variants v JOIN prices r ON r.item_id = v.item_id
                  WHERE v.product_id = c.id AND v.archived_at IS NULL GROUP BY r.currency) x
        ) priced
        CROSS JOIN LATERAL (
            SELECT array_agg(DISTINCT 'a' || lower(name) || '=' || value) AS pairs, string_agg(DISTINCT value, ' ') AS said
            FROM (SELECT a.key AS name, a.value FROM jsonb_each_text(c.attributes) a
                  UNION ALL
                  SELECT o.key, o.value FROM variants v, jsonb_each_text(v.options) o
                  WHERE v.product_id = c.id AND v.archived_at IS NULL) x
            WHERE value IS NOT NULL
        ) named
        CROSS JOIN LATERAL (
            SELECT array_agg(category_id ORDER BY category_id) AS categories
            FROM product_categories WHERE product_id = c.id
        ) placed
    ), worded AS MATERIALIZED (
        SELECT d.*, search_text(concat_ws(' ', d.title_key, d.vendor, array_to_string(d.tags, ' '), d.said)) AS names,
               search_text(concat_ws(' ', d.description, array_to_string(d.skus[1:100], ' '))) AS words,
               ARRAY(SELECT 't' || t FROM unnest(d.tags) t) || coalesce(d.pairs, '{}') AS facets
        FROM described d
    ), learnt AS (
        INSERT INTO search_words (word)
        SELECT DISTINCT n FROM worded, unnest(string_to_array(names, ' ')) n
        WHERE length(n) BETWEEN 3 AND 40 AND NOT EXISTS (SELECT FROM search_words k WHERE k.word = n)
        ORDER BY n
        ON CONFLICT DO NOTHING
    ), made AS (
        SELECT id, published_at, title_key, coalesce(currencies, '{}') AS currencies, coalesce(lowest, '{}') AS lowest,
               coalesce(highest, '{}') AS highest, coalesce(categories, '{}') AS categories, facets,
               array_to_tsvector(
                   -- No term is longer than 100 characters, and none is empty.
                   string_to_array(regexp_replace(concat_ws(' ', nullif(names, ''), nullif(words, ''),
                                                            '=' || replace(nullif(title_key, ''), ' ', ' ='),
                                                            '#' || upper(array_to_string(skus || barcodes, ' #')),
                                                            '/' || array_to_string(categories, ' /'),
                                                            ranges),
                                                  '([^ ]{100})[^ ]+', '\1', 'g'), ' ')
                   || left('==' || title_key, 100)
                   || ARRAY(SELECT search_digest(f) FROM unnest(facets) f)) AS terms
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

-- A new product has no variants yet, so no offer of it can be stale.
CREATE OR REPLACE FUNCTION products_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM notify_catalog(ARRAY(SELECT id FROM changed));
    RETURN NULL;
END $$;

-- Nobody has seen an offer of a variant that is new in this transaction: its version stays, and its prices are told of with it.
-- The items stand in a setting of the transaction, which goes with it, or with its savepoint. Those of an earlier statement are
-- forgotten, and bumped like any others: that is never wrong. A variant whose item had a variant before was bumped as that went.
CREATE FUNCTION variants_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM set_config('catalog.made', (SELECT array_agg(item_id)::text FROM changed), true);
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM changed));
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER variants_inserted ON variants;
CREATE TRIGGER variants_inserted AFTER INSERT ON variants REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION variants_made();

CREATE FUNCTION variants_made_now() RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('catalog.made', true), ''), '{}')::bigint[]
$$;

CREATE OR REPLACE FUNCTION prices_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE made bigint[] := variants_made_now(); items bigint[];
BEGIN
    SELECT array_agg(item_id) INTO items FROM (SELECT item_id FROM changed EXCEPT SELECT unnest(made)) seen;
    IF items IS NOT NULL THEN
        PERFORM bump_offers(items);
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM variants WHERE item_id = ANY (items)));
    END IF;
    RETURN NULL;
END $$;

-- The product of a new variant is brought up to date already.
CREATE OR REPLACE FUNCTION search_touch_prices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE made bigint[] := variants_made_now();
BEGIN
    INSERT INTO search_touched
    SELECT array_agg(DISTINCT v.product_id)
    FROM (SELECT item_id FROM changed EXCEPT SELECT unnest(made)) seen JOIN variants v USING (item_id) HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- Files carry archived variants too, as such: an export that leaves them out is another catalogue when it is imported.
CREATE OR REPLACE VIEW bulk_products AS
SELECT p.id, p.slug, p.title, p.description, p.vendor, p.status, p.tax_class, p.tags, p.attributes, p.images, p.owner_id,
       ARRAY(SELECT pc.category_id FROM product_categories pc WHERE pc.product_id = p.id) AS category_ids,
       (SELECT coalesce(json_agg(json_build_object(
                   'sku', v.sku, 'title', v.title, 'options', v.options, 'barcode', v.barcode, 'weight_g', v.weight_g,
                   'requires_shipping', v.requires_shipping, 'on_hand', s.on_hand, 'backorder_limit', s.backorder_limit,
                   'archived', v.archived_at IS NOT NULL,
                   'prices', (SELECT coalesce(json_object_agg(r.currency, json_build_array(r.amount_minor, r.compare_at_minor)), '{}')
                              FROM regular_prices r WHERE r.item_id = v.item_id))
               ORDER BY v.position, v.item_id), '[]')
        FROM variants v JOIN stock s ON s.item_id = v.item_id
        WHERE v.product_id = p.id) AS variants
FROM products p;
