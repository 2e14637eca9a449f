-- The schema that checkout/migrations make. Written by `make docs`; change it by a new migration.

SET check_function_bodies = off; -- functions come first, and may name tables that follow

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

CREATE TYPE draft_line AS (
	order_id uuid,
	line_no smallint,
	item_id bigint,
	quantity integer,
	unit_minor bigint,
	offer_version integer
);

CREATE TYPE draft_order AS (
	id uuid,
	claim_id uuid,
	fingerprint uuid,
	subtotal_minor bigint,
	discount_minor bigint,
	shipping_minor bigint,
	tax_minor bigint,
	total_minor bigint,
	account_id uuid,
	cart_id text,
	personal bytea,
	email_index bytea,
	country text,
	currency text,
	payment_provider text,
	payment_method text,
	document json
);

CREATE FUNCTION access_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('access', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION account_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM sessions WHERE account_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION account_erased_reviews() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE reviews SET account_id = NULL WHERE account_id = NEW.account_id;
    RETURN NULL;
END $$;

CREATE FUNCTION analyze_order_months() RETURNS void
    LANGUAGE plpgsql
    SET statement_timeout TO '5min'
    AS $$
DECLARE
    alone text := CASE WHEN current_setting('server_version_num')::int >= 180000 THEN 'ONLY ' ELSE '' END;
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['orders', 'order_lines', 'order_events', 'stock_movements'] LOOP
        EXECUTE format('ANALYZE %spublic.%I', alone, t);
    END LOOP;
END $$;

CREATE FUNCTION apply_stock_policies(item_ids bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH wanted AS (
        SELECT s.item_id, greatest(p.backorder + p.preorder_units - p.safety_stock, s.reserved - s.on_hand) AS net
        FROM stock_policies p JOIN stock s USING (item_id) WHERE p.item_id = ANY (item_ids)
    ), changed AS (
        UPDATE stock s SET backorder_limit = w.net FROM wanted w
        WHERE s.item_id = w.item_id AND s.backorder_limit <> w.net
        RETURNING s.item_id
    )
    INSERT INTO gate_suspects (item_id) SELECT item_id FROM changed ORDER BY item_id ON CONFLICT (item_id) DO NOTHING;
END $$;

CREATE FUNCTION archive_order_month(month_name text) RETURNS bigint
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
DECLARE
    m order_months;
    t text;
    stays text;
    gone bigint;
BEGIN
    SELECT * INTO m FROM order_months WHERE name = month_name FOR UPDATE;
    stays := order_month_stays(month_name);
    IF stays IS NULL THEN
        FOREACH t IN ARRAY ARRAY['orders', 'order_lines', 'order_events', 'stock_movements'] LOOP
            EXECUTE format('LOCK TABLE months.%I IN SHARE MODE', t || '_' || month_name);
        END LOOP;
        stays := order_month_stays(month_name);   -- what was asked before the locks may have changed
    END IF;
    IF stays IS NOT NULL THEN
        RAISE EXCEPTION '%', stays USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, reserved_delta, location, reason, actor)
    SELECT overlay(md5(month_name || item_id || location) PLACING 'ffffffffffff' FROM 1)::uuid,
           item_id, 'opening', sum(on_hand_delta), sum(reserved_delta), location, 'archived ' || month_name, 'archive'
    FROM (SELECT item_id, 0 AS on_hand_delta, quantity AS reserved_delta, 'main' AS location FROM order_lines
          WHERE order_id >= m.lower AND order_id < m.upper
          UNION ALL
          SELECT item_id, on_hand_delta, reserved_delta, location FROM stock_movements
          WHERE movement_id >= m.lower AND movement_id < m.upper) l
    GROUP BY item_id, location
    HAVING sum(on_hand_delta) <> 0 OR sum(reserved_delta) <> 0;
    EXECUTE format('SELECT count(*) FROM months.%I', 'orders_' || month_name) INTO gone;
    EXECUTE format('CREATE TABLE archive.%I AS SELECT * FROM notifications_sent WHERE order_id >= %L AND order_id < %L',
                   'notifications_sent_' || month_name, m.lower, m.upper);
    DELETE FROM notifications_sent WHERE order_id >= m.lower AND order_id < m.upper;
    FOREACH t IN ARRAY ARRAY['orders', 'order_lines', 'order_events', 'stock_movements'] LOOP
        EXECUTE format('ALTER TABLE %I DETACH PARTITION months.%I', t, t || '_' || month_name);
        EXECUTE format('ALTER TABLE months.%I SET SCHEMA archive', t || '_' || month_name);
    END LOOP;
    UPDATE order_months SET archived_at = now() WHERE name = month_name;
    RETURN gone;
END $$;

CREATE FUNCTION archived_by_key() RETURNS TABLE(key integer, orders bigint)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    month text;
BEGIN
    FOR month IN SELECT m.name FROM order_months m WHERE m.archived_at IS NOT NULL LOOP
        RETURN QUERY EXECUTE format(
            'SELECT CASE WHEN personal IS NULL THEN -1 ELSE get_byte(personal, 0) * 256 + get_byte(personal, 1) END, count(*)
             FROM archive.%I WHERE erased_at IS NULL GROUP BY 1', 'orders_' || month);
    END LOOP;
END $$;

CREATE FUNCTION audit_log_stays() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION bump_offers(item_ids bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM 1 FROM stock WHERE item_id = ANY (item_ids) ORDER BY item_id FOR NO KEY UPDATE;
    UPDATE stock SET offer_version = offer_version + 1 WHERE item_id = ANY (item_ids);
END $$;

CREATE FUNCTION categories_deleted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM pg_notify('catalog', '*'); -- its memberships are gone already: nobody knows whose documents named it
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION categories_updated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM pg_notify('catalog', 'lists');
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM product_categories
                                     WHERE category_id IN (SELECT id FROM changed) LIMIT 51));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION keep_an_admin() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7237003);
    IF NOT EXISTS (SELECT FROM accounts WHERE role = 'admin' AND disabled_at IS NULL AND id <> OLD.id) THEN
        RAISE EXCEPTION 'the last admin stays one' USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_last_admin';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION lists_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM pg_notify('catalog', 'lists');
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION make_order_months(first date, last date) RETURNS integer
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
DECLARE
    month date;
    first_id uuid;
    next_id uuid;
    month_name text;
    part text;
    made int := 0;
    t record;
    c record;
BEGIN
    FOR month IN SELECT generate_series(date_trunc('month', first), last, interval '1 month')::date LOOP
        first_id := uuid_at(month::timestamp AT TIME ZONE 'UTC');
        next_id := uuid_at((month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        month_name := to_char(month, 'YYYY_MM');
        CONTINUE WHEN EXISTS (SELECT FROM order_months m WHERE m.lower < next_id AND m.upper > first_id);
        INSERT INTO order_months (name, lower, upper) VALUES (month_name, first_id, next_id) ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        FOR t IN SELECT * FROM (VALUES ('orders', 'id', 'fillfactor = 80'), ('order_lines', 'order_id', 'fillfactor = 100'),
                                       ('order_events', 'order_id', 'fillfactor = 100'),
                                       ('stock_movements', 'movement_id', 'fillfactor = 100')) AS v (name, key, storage)
        LOOP
            part := t.name || '_' || month_name;
            EXECUTE format('CREATE TABLE months.%I (LIKE %I INCLUDING ALL) WITH (%s)', part, t.name, t.storage);
            -- LIKE leaves them behind.
            FOR c IN SELECT attname, attstattarget AS target FROM pg_attribute
                     WHERE attrelid = format('%I', t.name)::regclass AND attnum > 0 AND attstattarget >= 0
            LOOP
                EXECUTE format('ALTER TABLE months.%I ALTER COLUMN %I SET STATISTICS %s', part, c.attname, c.target);
            END LOOP;
            FOR c IN SELECT attrelid::regclass AS owner, attnum FROM pg_index JOIN pg_attribute ON attrelid = indexrelid
                     WHERE indrelid = format('months.%I', part)::regclass AND indkey[attnum - 1] = 0
            LOOP
                EXECUTE format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS 25', c.owner, c.attnum);
            END LOOP;
            IF t.name = 'orders' THEN
                EXECUTE format('CREATE UNIQUE INDEX ON months.%I (number)', part);
            END IF;
            EXECUTE format('LOCK TABLE months.%I IN ACCESS EXCLUSIVE MODE', t.name || '_other');
            EXECUTE format('WITH strays AS (DELETE FROM months.%I WHERE %I >= %L AND %I < %L RETURNING *)
                            INSERT INTO months.%I SELECT * FROM strays',
                           t.name || '_other', t.key, first_id, t.key, next_id, part);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION months.%I FOR VALUES FROM (%L) TO (%L)',
                           t.name, part, first_id, next_id);
        END LOOP;
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

CREATE FUNCTION notify_catalog(product_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF cardinality(product_ids) > coalesce(nullif(current_setting('catalog.each', true), ''), '50')::int THEN
        PERFORM pg_notify('catalog', '*');
    ELSE
        PERFORM pg_notify('catalog', p::text) FROM unnest(product_ids) p;
    END IF;
END $$;

CREATE FUNCTION order_frees_cart() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE order_claims SET cart_id = CASE WHEN NEW.status <> 'cancelled' THEN NEW.cart_id END
    WHERE claim_id = NEW.claim_id;
    RETURN NULL;
END $$;

CREATE FUNCTION order_month_stays(month_name text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    m order_months;
    n bigint;
BEGIN
    SELECT * INTO m FROM order_months WHERE name = month_name AND archived_at IS NULL;
    IF NOT FOUND THEN
        RETURN 'there is no such month, or it is archived already';
    END IF;
    SELECT count(*) INTO n FROM orders
    WHERE id >= m.lower AND id < m.upper AND status IN ('placed', 'payment_failed', 'action_required');
    IF n > 0 THEN
        RETURN format('%s orders wait for their payment', n);
    END IF;
    SELECT count(*) INTO n FROM outbox WHERE subject_id >= m.lower AND subject_id < m.upper;
    IF n > 0 THEN
        RETURN format('%s steps are still owed', n);
    END IF;
    IF m.upper > (SELECT since FROM claims_kept) THEN
        RETURN 'keys of its orders are still remembered';
    END IF;
    WITH moved AS (
        SELECT item_id, order_id, reserved_delta FROM stock_movements
        WHERE movement_id >= m.lower AND movement_id < m.upper
    ), ledger AS (
        SELECT item_id, quantity AS units FROM order_lines WHERE order_id >= m.lower AND order_id < m.upper
        UNION ALL SELECT item_id, reserved_delta FROM moved
    ), held AS (
        SELECT l.item_id, l.quantity AS units FROM order_lines l JOIN orders o ON o.id = l.order_id
        WHERE l.order_id >= m.lower AND l.order_id < m.upper AND o.id >= m.lower AND o.id < m.upper AND o.status <> 'cancelled'
        UNION ALL
        SELECT v.item_id, v.reserved_delta FROM moved v JOIN orders o ON o.id = v.order_id
        WHERE o.id >= m.lower AND o.id < m.upper
          AND o.status IN ('shipped', 'delivered', 'partially_refunded', 'refunded', 'disputed')
    )
    SELECT count(*) INTO n FROM (SELECT item_id, sum(units) AS units FROM ledger GROUP BY item_id) l
    FULL JOIN (SELECT item_id, sum(units) AS units FROM held GROUP BY item_id) h USING (item_id)
    WHERE coalesce(l.units, 0) <> coalesce(h.units, 0);
    IF n > 0 THEN
        RETURN format('of %s items its ledger is not what its orders hold', n);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION order_told(told_id uuid, told_status text) RETURNS json
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN (
        SELECT json_build_object(
            'id', gen_random_uuid(), 'type', 'order.' || told_status,
            'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'data', json_build_object(
                'order_id', o.id, 'number', o.number, 'status', told_status, 'currency', o.currency, 'total', o.total_minor,
                'lines', (SELECT json_agg(json_build_object('sku', l ->> 'sku', 'quantity', l -> 'quantity'))
                          FROM json_array_elements(o.document -> 'lines') l)))
        FROM orders o WHERE o.id = told_id);
END $$;

CREATE FUNCTION prices_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE made bigint[] := variants_made_now(); items bigint[];
BEGIN
    SELECT array_agg(item_id) INTO items FROM (SELECT item_id FROM changed EXCEPT SELECT unnest(made)) seen;
    IF items IS NOT NULL THEN
        PERFORM bump_offers(items);
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM variants WHERE item_id = ANY (items)));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION products_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM notify_catalog(ARRAY(SELECT id FROM changed));
    RETURN NULL;
END $$;

CREATE FUNCTION products_updated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE ids uuid[]; offered uuid[];
BEGIN
    SELECT array_agg(c.id),
           array_agg(c.id) FILTER (WHERE (b.slug, b.title, b.status, b.tax_class)
                                         IS DISTINCT FROM (c.slug, c.title, c.status, c.tax_class))
    INTO ids, offered FROM changed c JOIN old_rows b USING (id);
    IF offered IS NOT NULL THEN
        PERFORM bump_offers(ARRAY(SELECT item_id FROM variants WHERE product_id = ANY (offered)));
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM notify_catalog(ids);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION rate_product(rated uuid, given integer, change integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO product_ratings (product_id) VALUES (rated) ON CONFLICT DO NOTHING;
    UPDATE product_ratings SET
        stars_1 = stars_1 + CASE given WHEN 1 THEN change ELSE 0 END,
        stars_2 = stars_2 + CASE given WHEN 2 THEN change ELSE 0 END,
        stars_3 = stars_3 + CASE given WHEN 3 THEN change ELSE 0 END,
        stars_4 = stars_4 + CASE given WHEN 4 THEN change ELSE 0 END,
        stars_5 = stars_5 + CASE given WHEN 5 THEN change ELSE 0 END
    WHERE product_id = rated;
END $$;

CREATE FUNCTION ratings_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE product_search SET rating_key = NEW.rating_key
    WHERE product_id = NEW.product_id AND rating_key <> NEW.rating_key;
    PERFORM notify_catalog(ARRAY[NEW.product_id]);
    RETURN NULL;
END $$;

CREATE FUNCTION restore_order_month(month_name text) RETURNS bigint
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
DECLARE
    m order_months;
    t record;
    part text;
    back bigint;
BEGIN
    SELECT * INTO m FROM order_months WHERE name = month_name AND archived_at IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no archived month has this name' USING ERRCODE = 'no_data_found';
    END IF;
    FOR t IN SELECT * FROM (VALUES ('orders', 'id'), ('order_lines', 'order_id'), ('order_events', 'order_id'),
                                   ('stock_movements', 'movement_id')) AS v (name, key)
    LOOP
        part := t.name || '_' || month_name;
        EXECUTE format('ALTER TABLE archive.%I SET SCHEMA months', part);
        EXECUTE format('LOCK TABLE months.%I IN ACCESS EXCLUSIVE MODE', t.name || '_other');
        EXECUTE format('WITH strays AS (DELETE FROM months.%I WHERE %I >= %L AND %I < %L RETURNING *)
                        INSERT INTO months.%I SELECT * FROM strays', t.name || '_other', t.key, m.lower, t.key, m.upper, part);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION months.%I FOR VALUES FROM (%L) TO (%L)',
                       t.name, part, m.lower, m.upper);
    END LOOP;
    DELETE FROM stock_movements WHERE kind = 'opening' AND reason = 'archived ' || month_name;
    EXECUTE format('INSERT INTO notifications_sent SELECT * FROM archive.%I', 'notifications_sent_' || month_name);
    EXECUTE format('DROP TABLE archive.%I', 'notifications_sent_' || month_name);
    EXECUTE format('SELECT count(*) FROM months.%I', 'orders_' || month_name) INTO back;
    UPDATE order_months SET archived_at = NULL WHERE name = month_name;
    RETURN back;
END $$;

CREATE FUNCTION reviews_erased() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.author := '';
    RETURN NEW;
END $$;

CREATE FUNCTION reviews_rated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF OLD.status = 'approved' THEN
            PERFORM rate_product(OLD.product_id, OLD.stars, -1);
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF NEW.status = 'approved' THEN
            PERFORM rate_product(NEW.product_id, NEW.stars, 1);
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION rulebook_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE rulebook SET version = version + 1;
    PERFORM pg_notify('rulebook', '');
    RETURN NULL;
END $$;

CREATE FUNCTION search_digest(given text) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    AS $$
    SELECT '@' || left(encode(sha256(convert_to(given, 'UTF8')), 'hex'), 32)
$$;

CREATE FUNCTION search_rated() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    SELECT r.rating_key INTO NEW.rating_key FROM product_ratings r WHERE r.product_id = NEW.product_id FOR SHARE;
    NEW.rating_key := coalesce(NEW.rating_key, 0);
    RETURN NEW;
END $$;

CREATE FUNCTION search_refresh(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $_$
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
END $_$;

CREATE FUNCTION search_settle() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE ids uuid[];
BEGIN
    WITH taken AS (DELETE FROM search_touched RETURNING product_ids)
    SELECT array_agg(DISTINCT id ORDER BY id) INTO ids FROM taken, unnest(product_ids) id;
    IF ids IS NOT NULL THEN
        PERFORM search_refresh(ids);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION search_similar(given text, most integer) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET "pg_trgm.similarity_threshold" TO '0.19'
    AS $$
BEGIN
    RETURN QUERY
    SELECT w.word FROM search_words w WHERE w.word % given ORDER BY similarity(w.word, given) DESC, w.word LIMIT most;
END $$;

CREATE FUNCTION search_text(given text) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    AS $$
    SELECT btrim(lower(regexp_replace(unaccent(given),
        ' [\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+|[\x01-\x1f\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f][\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]*',
        ' ', 'g')))
$$;

CREATE FUNCTION search_touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO search_touched SELECT array_agg(DISTINCT product_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION search_touch_prices() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE made bigint[] := variants_made_now();
BEGIN
    INSERT INTO search_touched
    SELECT array_agg(DISTINCT v.product_id)
    FROM (SELECT item_id FROM changed EXCEPT SELECT unnest(made)) seen JOIN variants v USING (item_id) HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION search_touch_products() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO search_touched SELECT array_agg(id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION sessions_ended() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO ended_sessions (session_id, until) SELECT id, access_until FROM gone WHERE access_until > now()
    ON CONFLICT DO NOTHING;
    PERFORM pg_notify('sessions', id::text) FROM gone WHERE access_until > now();
    RETURN NULL;
END $$;

CREATE FUNCTION stock_moved() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM changed WHERE on_hand_delta <> 0 AND kind <> 'opening') THEN
        PERFORM FROM location_stock l
        WHERE (l.item_id, l.location) IN (SELECT c.item_id, c.location FROM changed c WHERE c.on_hand_delta <> 0)
        ORDER BY l.item_id, l.location FOR NO KEY UPDATE;
        WITH moved AS (
            SELECT c.item_id, c.location, sum(c.on_hand_delta)::int AS delta
            FROM changed c JOIN stock s ON s.item_id = c.item_id AND s.kind = 'variant'
            WHERE c.kind <> 'opening'
            GROUP BY c.item_id, c.location HAVING sum(c.on_hand_delta) <> 0
        ), known AS (
            UPDATE location_stock l SET on_hand = l.on_hand + m.delta FROM moved m
            WHERE l.item_id = m.item_id AND l.location = m.location
            RETURNING l.item_id, l.location
        )
        INSERT INTO location_stock (item_id, location, on_hand)
        SELECT m.item_id, m.location, m.delta FROM moved m
        WHERE NOT EXISTS (SELECT FROM known k WHERE k.item_id = m.item_id AND k.location = m.location)
        ORDER BY m.item_id, m.location;
    END IF;
    PERFORM apply_stock_policies(ARRAY(SELECT DISTINCT item_id FROM changed));
    IF EXISTS (SELECT FROM webhook_endpoints WHERE active AND 'stock.changed' = ANY (events)) THEN
        PERFORM tell_webhooks('stock.changed', json_build_object('items', json_agg(t.told ORDER BY t.item)))
        FROM (SELECT told.item, told.told, (row_number() OVER (ORDER BY told.item) - 1) / 100 AS page
              FROM stock_told(ARRAY(SELECT DISTINCT item_id FROM changed WHERE kind <> 'opening')) told) t
        GROUP BY t.page;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION stock_policies_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE items bigint[];
BEGIN
    SELECT array_agg(item_id) INTO items FROM changed;
    IF items IS NOT NULL THEN
        PERFORM apply_stock_policies(items);
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM variants WHERE item_id = ANY (items)));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION stock_told(item_ids bigint[]) RETURNS TABLE(item bigint, told json)
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN QUERY SELECT s.item_id, json_build_object(
        'sku', v.sku, 'on_hand', s.on_hand, 'reserved', s.reserved,
        'available', greatest(0, s.on_hand - s.reserved - coalesce(p.safety_stock, 0)),
        'orderable', s.on_hand + s.backorder_limit - s.reserved,
        'locations', (SELECT coalesce(json_object_agg(l.location, l.on_hand ORDER BY l.location), '{}')
                      FROM location_stock l WHERE l.item_id = s.item_id))
    FROM stock s JOIN variants v USING (item_id) LEFT JOIN stock_policies p USING (item_id)
    WHERE s.item_id = ANY (item_ids);
END $$;

CREATE FUNCTION tell_webhooks(event text, data json) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO outbox (topic, subject_id, payload)
    SELECT 'webhook.send', e.id, json_build_object(
        'id', gen_random_uuid(), 'type', event,
        'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'data', data)
    FROM webhook_endpoints e WHERE e.active AND event = ANY (e.events);
END $$;

CREATE FUNCTION uuid_at(at timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT (lpad(to_hex(trunc(extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION variants_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE items bigint[];
BEGIN
    SELECT array_agg(item_id) INTO items FROM changed;
    IF items IS NOT NULL THEN
        PERFORM bump_offers(items);
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM changed));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION variants_made() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM set_config('catalog.made', (SELECT array_agg(item_id)::text FROM changed), true);
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM changed));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION variants_made_now() RETURNS bigint[]
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(nullif(current_setting('catalog.made', true), ''), '{}')::bigint[]
$$;

CREATE SEQUENCE order_number
    START WITH 100001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 32;

CREATE SEQUENCE stock_movement_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE roles (
    name text NOT NULL,
    title text DEFAULT '' NOT NULL,
    permissions text[] NOT NULL,
    built_in boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT roles_admin_may_all CHECK (((name <> 'admin') OR (permissions = ARRAY['all:*:*']))),
    CONSTRAINT roles_name_check CHECK ((name ~ '^[a-z][a-z0-9-]{1,31}$')),
    CONSTRAINT roles_permissions_check CHECK ((array_to_string(permissions, ' ', '?') ~ '^((all|own):(\*|[a-z]+(-[a-z]+)*):(\*|[a-z]+(-[a-z]+)*)( (?=.)|$))*$')),
    CONSTRAINT roles_title_check CHECK ((length(title) <= 200)),
    CONSTRAINT roles_pkey PRIMARY KEY (name)
);
CREATE TRIGGER roles_access AFTER INSERT OR DELETE OR UPDATE ON roles FOR EACH STATEMENT EXECUTE FUNCTION access_changed();

CREATE TABLE accounts (
    id uuid NOT NULL,
    email text,
    password_hash text NOT NULL,
    role text NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    disabled_at timestamptz,
    version bigint DEFAULT 1 NOT NULL,
    verified_at timestamptz,
    profile json DEFAULT '{}'::json NOT NULL,
    consents json DEFAULT '{}'::json NOT NULL,
    personal bytea,
    email_index bytea,
    CONSTRAINT accounts_sealed CHECK (((num_nonnulls(email, personal) = 1) AND (num_nonnulls(personal, email_index) <> 1) AND ((personal IS NULL) OR ((profile)::text = '{}')))),
    CONSTRAINT accounts_pkey PRIMARY KEY (id),
    CONSTRAINT accounts_role FOREIGN KEY (role) REFERENCES roles(name)
);
CREATE INDEX accounts_by_role ON accounts (role, id);
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email));
CREATE UNIQUE INDEX accounts_email_index ON accounts (email_index);
CREATE TRIGGER accounts_access AFTER UPDATE OF role, disabled_at ON accounts FOR EACH ROW WHEN (((old.role <> new.role) OR (old.disabled_at IS DISTINCT FROM new.disabled_at))) EXECUTE FUNCTION access_changed();
CREATE TRIGGER accounts_admin_changed BEFORE UPDATE OF role, disabled_at ON accounts FOR EACH ROW WHEN (((old.role = 'admin') AND (old.disabled_at IS NULL) AND ((new.role <> 'admin') OR (new.disabled_at IS NOT NULL)))) EXECUTE FUNCTION keep_an_admin();
CREATE TRIGGER accounts_admin_deleted BEFORE DELETE ON accounts FOR EACH ROW WHEN (((old.role = 'admin') AND (old.disabled_at IS NULL))) EXECUTE FUNCTION keep_an_admin();
CREATE TRIGGER accounts_changed AFTER UPDATE OF role, disabled_at ON accounts FOR EACH ROW WHEN (((old.role IS DISTINCT FROM new.role) OR ((old.disabled_at IS NULL) AND (new.disabled_at IS NOT NULL)))) EXECUTE FUNCTION account_changed();

CREATE TABLE account_carts (
    account_id uuid NOT NULL,
    currency text NOT NULL,
    cart_id text NOT NULL,
    CONSTRAINT account_carts_currency_check CHECK ((currency ~ '^[A-Z]{3}$')),
    CONSTRAINT account_carts_pkey PRIMARY KEY (account_id, currency),
    CONSTRAINT account_carts_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);

CREATE TABLE account_requests (
    id uuid NOT NULL,
    kind text NOT NULL,
    email text,
    document json DEFAULT '{}'::json NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    told_at timestamptz,
    personal bytea,
    email_index bytea,
    CONSTRAINT account_requests_kind_check CHECK ((kind = ANY (ARRAY['registration', 'password_reset', 'password_changed']))),
    CONSTRAINT account_requests_sealed CHECK (((num_nonnulls(email, personal) = 1) AND (num_nonnulls(personal, email_index) <> 1) AND ((personal IS NULL) OR ((document)::text = '{}')))),
    CONSTRAINT account_requests_pkey PRIMARY KEY (id)
);
CREATE INDEX account_requests_email ON account_requests (lower(email));
CREATE INDEX account_requests_email_index ON account_requests (email_index);
CREATE INDEX account_requests_expire ON account_requests (expires_at);

CREATE TABLE addresses (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    document json,
    is_default boolean NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    personal bytea,
    CONSTRAINT addresses_sealed CHECK ((num_nonnulls(document, personal) = 1)),
    CONSTRAINT addresses_pkey PRIMARY KEY (id),
    CONSTRAINT addresses_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE INDEX addresses_account ON addresses (account_id, id);
CREATE UNIQUE INDEX addresses_one_default ON addresses (account_id) WHERE is_default;

CREATE TABLE admin_requests (
    key uuid NOT NULL,
    fingerprint uuid NOT NULL,
    answer json NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT admin_requests_pkey PRIMARY KEY (key)
);
CREATE INDEX admin_requests_at ON admin_requests (at);

CREATE TABLE locations (
    code text NOT NULL,
    name text NOT NULL,
    country text NOT NULL,
    region text DEFAULT '' NOT NULL,
    priority integer DEFAULT 100 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT locations_code_check CHECK ((code ~ '^[a-z0-9][a-z0-9_-]{0,31}$')),
    CONSTRAINT locations_country_check CHECK ((country ~ '^[A-Z]{2}$')),
    CONSTRAINT locations_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT locations_priority_check CHECK (((priority >= 0) AND (priority <= 1000000))),
    CONSTRAINT locations_region_check CHECK ((length(region) <= 200)),
    CONSTRAINT locations_pkey PRIMARY KEY (code)
);

CREATE TABLE stock (
    item_id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    kind text NOT NULL,
    on_hand integer DEFAULT 0 NOT NULL,
    reserved integer DEFAULT 0 NOT NULL,
    backorder_limit integer DEFAULT 0 NOT NULL,
    offer_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT stock_backorder_limit_check CHECK (((backorder_limit >= '-1000000000'::integer) AND (backorder_limit <= 1000000000))),
    CONSTRAINT stock_kind_check CHECK ((kind = ANY (ARRAY['variant', 'coupon', 'coupon_customer']))),
    CONSTRAINT stock_never_oversold CHECK (((0 <= reserved) AND (reserved <= (on_hand + backorder_limit)))),
    CONSTRAINT stock_on_hand_check CHECK (((on_hand >= 0) AND (on_hand <= 1000000000))),
    CONSTRAINT stock_pkey PRIMARY KEY (item_id)
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');

CREATE TABLE location_stock (
    item_id bigint NOT NULL,
    location text NOT NULL,
    on_hand integer DEFAULT 0 NOT NULL,
    allocated integer DEFAULT 0 NOT NULL,
    CONSTRAINT location_stock_allocated CHECK ((allocated >= 0)),
    CONSTRAINT location_stock_not_negative CHECK ((on_hand >= 0)),
    CONSTRAINT location_stock_pkey PRIMARY KEY (item_id, location),
    CONSTRAINT location_stock_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id),
    CONSTRAINT location_stock_location_fkey FOREIGN KEY (location) REFERENCES locations(code)
)
WITH (fillfactor='80');
CREATE INDEX location_stock_place ON location_stock (location, item_id);

CREATE TABLE allocations (
    order_id uuid NOT NULL,
    item_id bigint NOT NULL,
    location text NOT NULL,
    units integer NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT allocations_units_check CHECK ((units > 0)),
    CONSTRAINT allocations_pkey PRIMARY KEY (order_id, item_id, location),
    CONSTRAINT allocations_item_id_location_fkey FOREIGN KEY (item_id, location) REFERENCES location_stock(item_id, location)
);

CREATE TABLE api_keys (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    digest bytea NOT NULL,
    permissions text[] NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT api_keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT api_keys_permissions_check CHECK ((cardinality(permissions) > 0)),
    CONSTRAINT api_keys_digest_key UNIQUE (digest),
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE INDEX api_keys_account ON api_keys (account_id, id);
CREATE TRIGGER api_keys_access AFTER DELETE OR UPDATE OF permissions, expires_at, revoked_at ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION access_changed();

CREATE TABLE attributes (
    name text NOT NULL,
    type text NOT NULL,
    unit text DEFAULT '' NOT NULL,
    options text[] DEFAULT '{}'::text[] NOT NULL,
    facet boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT attributes_enum_has_options CHECK (((type = 'enum') = (cardinality(options) > 0))),
    CONSTRAINT attributes_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9_ -]{0,63}$')),
    CONSTRAINT attributes_type_check CHECK ((type = ANY (ARRAY['text', 'number', 'boolean', 'enum']))),
    CONSTRAINT attributes_unit_check CHECK ((length(unit) <= 32)),
    CONSTRAINT attributes_unit_is_a_numbers CHECK (((unit = '') OR (type = 'number'))),
    CONSTRAINT attributes_pkey PRIMARY KEY (name)
);
CREATE TRIGGER attributes_deleted AFTER DELETE ON attributes REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();
CREATE TRIGGER attributes_inserted AFTER INSERT ON attributes REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();
CREATE TRIGGER attributes_updated AFTER UPDATE ON attributes REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before json,
    after json,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_log_action ON audit_log (action, id);
CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_at ON audit_log USING brin (at);
CREATE INDEX audit_log_subject ON audit_log (subject, id);
CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_stays();

CREATE TABLE bulk_jobs (
    id uuid NOT NULL,
    kind text NOT NULL,
    format text NOT NULL,
    status text NOT NULL,
    actor text NOT NULL,
    owner_id uuid,
    asked json DEFAULT '{}'::json NOT NULL,
    dry_run boolean DEFAULT false NOT NULL,
    idempotency_key uuid,
    fingerprint uuid,
    bytes_total bigint DEFAULT 0 NOT NULL,
    bytes_done bigint DEFAULT 0 NOT NULL,
    rows_total bigint DEFAULT 0 NOT NULL,
    rows_done bigint DEFAULT 0 NOT NULL,
    rows_failed bigint DEFAULT 0 NOT NULL,
    problems integer DEFAULT 0 NOT NULL,
    after_key text DEFAULT '' NOT NULL,
    result json DEFAULT '{}'::json NOT NULL,
    error text,
    created_at timestamptz DEFAULT now() NOT NULL,
    started_at timestamptz,
    updated_at timestamptz DEFAULT now() NOT NULL,
    finished_at timestamptz,
    files_dropped_at timestamptz,
    CONSTRAINT bulk_jobs_failed CHECK (((status = 'failed') = (error IS NOT NULL))),
    CONSTRAINT bulk_jobs_finished CHECK (((status = ANY (ARRAY['done', 'failed', 'cancelled'])) = (finished_at IS NOT NULL))),
    CONSTRAINT bulk_jobs_format_check CHECK ((format = ANY (ARRAY['own', 'shopify']))),
    CONSTRAINT bulk_jobs_kind_check CHECK ((kind = ANY (ARRAY['import', 'export']))),
    CONSTRAINT bulk_jobs_rows CHECK (((0 <= rows_failed) AND (rows_failed <= rows_done))),
    CONSTRAINT bulk_jobs_started CHECK (((status <> ALL (ARRAY['running', 'done'])) OR (started_at IS NOT NULL))),
    CONSTRAINT bulk_jobs_status_check CHECK ((status = ANY (ARRAY['receiving', 'queued', 'running', 'done', 'failed', 'cancelled']))),
    CONSTRAINT bulk_jobs_idempotency_key_key UNIQUE (idempotency_key),
    CONSTRAINT bulk_jobs_pkey PRIMARY KEY (id),
    CONSTRAINT bulk_jobs_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES accounts(id)
)
WITH (fillfactor='70');
CREATE INDEX bulk_jobs_files ON bulk_jobs (finished_at) WHERE (files_dropped_at IS NULL);
CREATE INDEX bulk_jobs_list ON bulk_jobs (kind, id);
CREATE INDEX bulk_jobs_open ON bulk_jobs (updated_at) WHERE (finished_at IS NULL);

CREATE TABLE bulk_pieces (
    job_id uuid NOT NULL,
    seq integer NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT bulk_pieces_seq_check CHECK ((seq >= 0)),
    CONSTRAINT bulk_pieces_pkey PRIMARY KEY (job_id, seq),
    CONSTRAINT bulk_pieces_job_id_fkey FOREIGN KEY (job_id) REFERENCES bulk_jobs(id) ON DELETE CASCADE
);
ALTER TABLE ONLY bulk_pieces ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE bulk_problems (
    job_id uuid NOT NULL,
    number integer NOT NULL,
    "row" bigint NOT NULL,
    field text NOT NULL,
    severity text NOT NULL,
    message text NOT NULL,
    value text NOT NULL,
    CONSTRAINT bulk_problems_severity_check CHECK ((severity = ANY (ARRAY['error', 'warning']))),
    CONSTRAINT bulk_problems_pkey PRIMARY KEY (job_id, number),
    CONSTRAINT bulk_problems_job_id_fkey FOREIGN KEY (job_id) REFERENCES bulk_jobs(id) ON DELETE CASCADE
);

CREATE TABLE bulk_seen (
    job_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT bulk_seen_pkey PRIMARY KEY (job_id, key),
    CONSTRAINT bulk_seen_job_id_fkey FOREIGN KEY (job_id) REFERENCES bulk_jobs(id) ON DELETE CASCADE
);

CREATE TABLE carts (
    id text NOT NULL,
    version bigint NOT NULL,
    account_id uuid,
    currency text NOT NULL,
    document json NOT NULL,
    status text DEFAULT 'open' NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT carts_currency_check CHECK ((currency ~ '^[A-Z]{3}$')),
    CONSTRAINT carts_id_check CHECK (((length(id) >= 22) AND (length(id) <= 64))),
    CONSTRAINT carts_status_check CHECK ((status = ANY (ARRAY['open', 'ordered', 'merged']))),
    CONSTRAINT carts_pkey PRIMARY KEY (id)
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05', autovacuum_analyze_scale_factor='0.05');
CREATE INDEX carts_account ON carts (account_id) WHERE (account_id IS NOT NULL);

CREATE TABLE categories (
    id uuid NOT NULL,
    parent_id uuid,
    slug text NOT NULL,
    name text NOT NULL,
    "position" integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT categories_pkey PRIMARY KEY (id),
    CONSTRAINT categories_slug_key UNIQUE (slug),
    CONSTRAINT categories_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES categories(id)
);
CREATE INDEX categories_parent ON categories (parent_id);
CREATE TRIGGER categories_deleted AFTER DELETE ON categories REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION categories_deleted();
CREATE TRIGGER categories_inserted AFTER INSERT ON categories REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();
CREATE TRIGGER categories_updated AFTER UPDATE ON categories REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION categories_updated();

CREATE TABLE claims_kept (
    only_row boolean DEFAULT true NOT NULL,
    since uuid NOT NULL,
    CONSTRAINT claims_kept_only_row_check CHECK (only_row),
    CONSTRAINT claims_kept_pkey PRIMARY KEY (only_row)
);

CREATE TABLE coupons (
    id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    code text NOT NULL,
    kind text NOT NULL,
    percent_bp integer,
    amount_minor bigint,
    currency text,
    min_subtotal_minor bigint DEFAULT 0 NOT NULL,
    item_id bigint,
    per_customer_limit integer,
    valid_from timestamptz DEFAULT now() NOT NULL,
    valid_until timestamptz,
    active boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT coupons_amount CHECK (((kind = 'amount') = (amount_minor IS NOT NULL))),
    CONSTRAINT coupons_amount_currency CHECK (((kind <> 'amount') OR (currency IS NOT NULL))),
    CONSTRAINT coupons_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT coupons_code_check CHECK (((code = upper(code)) AND (code ~ '^[A-Z0-9_-]{2,40}$'))),
    CONSTRAINT coupons_currency_check CHECK ((currency ~ '^[A-Z]{3}$')),
    CONSTRAINT coupons_kind_check CHECK ((kind = ANY (ARRAY['percent', 'amount', 'free_shipping']))),
    CONSTRAINT coupons_min_subtotal_minor_check CHECK ((min_subtotal_minor >= 0)),
    CONSTRAINT coupons_per_customer_limit_check CHECK ((per_customer_limit > 0)),
    CONSTRAINT coupons_percent CHECK (((kind = 'percent') = (percent_bp IS NOT NULL))),
    CONSTRAINT coupons_percent_bp_check CHECK (((percent_bp >= 1) AND (percent_bp <= 10000))),
    CONSTRAINT coupons_window CHECK (((valid_until IS NULL) OR (valid_until > valid_from))),
    CONSTRAINT coupons_code_key UNIQUE (code),
    CONSTRAINT coupons_item_id_key UNIQUE (item_id),
    CONSTRAINT coupons_pkey PRIMARY KEY (id),
    CONSTRAINT coupons_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id)
);
CREATE TRIGGER rulebook_coupons AFTER INSERT OR DELETE OR UPDATE ON coupons FOR EACH STATEMENT EXECUTE FUNCTION rulebook_changed();

CREATE TABLE coupon_customers (
    coupon_id bigint NOT NULL,
    customer_key bytea NOT NULL,
    item_id bigint NOT NULL,
    CONSTRAINT coupon_customers_item_id_key UNIQUE (item_id),
    CONSTRAINT coupon_customers_pkey PRIMARY KEY (coupon_id, customer_key),
    CONSTRAINT coupon_customers_coupon_id_fkey FOREIGN KEY (coupon_id) REFERENCES coupons(id) ON DELETE CASCADE,
    CONSTRAINT coupon_customers_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id)
);

CREATE TABLE ended_sessions (
    session_id uuid NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT ended_sessions_pkey PRIMARY KEY (session_id)
);

CREATE TABLE erased_accounts (
    account_id uuid NOT NULL,
    erased_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT erased_accounts_pkey PRIMARY KEY (account_id)
);
CREATE TRIGGER erased_accounts_reviews AFTER INSERT ON erased_accounts FOR EACH ROW EXECUTE FUNCTION account_erased_reviews();

CREATE TABLE gate_state (
    only_row boolean DEFAULT true NOT NULL,
    epoch bigint NOT NULL,
    run_id text DEFAULT '' NOT NULL,
    built_at timestamptz,
    forgets_until timestamptz,
    CONSTRAINT gate_state_only_row_check CHECK (only_row),
    CONSTRAINT gate_state_pkey PRIMARY KEY (only_row)
);

CREATE TABLE gate_suspects (
    item_id bigint NOT NULL,
    since timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT gate_suspects_pkey PRIMARY KEY (item_id)
);

CREATE TABLE invoice_series (
    series text NOT NULL,
    next_number bigint DEFAULT 1 NOT NULL,
    CONSTRAINT invoice_series_next_number_check CHECK ((next_number > 0)),
    CONSTRAINT invoice_series_pkey PRIMARY KEY (series)
);

CREATE TABLE invoices (
    id uuid NOT NULL,
    series text NOT NULL,
    number bigint NOT NULL,
    order_id uuid NOT NULL,
    issued_at timestamptz DEFAULT now() NOT NULL,
    document json NOT NULL,
    pdf bytea NOT NULL,
    personal bytea,
    CONSTRAINT invoices_number_check CHECK ((number > 0)),
    CONSTRAINT invoices_sealed CHECK (((personal IS NULL) OR (pdf = '\x'::bytea))),
    CONSTRAINT invoices_order_id_key UNIQUE (order_id),
    CONSTRAINT invoices_pkey PRIMARY KEY (id),
    CONSTRAINT invoices_series_number_key UNIQUE (series, number),
    CONSTRAINT invoices_series_fkey FOREIGN KEY (series) REFERENCES invoice_series(series)
);

CREATE TABLE notifications_sent (
    order_id uuid NOT NULL,
    kind text NOT NULL,
    channel text DEFAULT 'email' NOT NULL,
    message_id text NOT NULL,
    sent_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT notifications_sent_pkey PRIMARY KEY (order_id, kind, channel)
);

CREATE TABLE order_claims (
    claim_id uuid NOT NULL,
    order_id uuid NOT NULL,
    fingerprint uuid NOT NULL,
    cart_id text,
    CONSTRAINT order_claims_pkey PRIMARY KEY (claim_id)
)
WITH (autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.1');
ALTER TABLE ONLY order_claims ALTER COLUMN claim_id SET STATISTICS 25;
ALTER TABLE ONLY order_claims ALTER COLUMN order_id SET STATISTICS 25;
ALTER TABLE ONLY order_claims ALTER COLUMN fingerprint SET STATISTICS 25;
ALTER TABLE ONLY order_claims ALTER COLUMN cart_id SET STATISTICS 25;
CREATE UNIQUE INDEX order_claims_cart ON order_claims (cart_id) WHERE (cart_id IS NOT NULL);

CREATE TABLE order_events (
    order_id uuid NOT NULL,
    seq integer NOT NULL,
    status text NOT NULL,
    detail json,
    at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT order_events_seq_check CHECK ((seq > 1)),
    CONSTRAINT order_events_pkey PRIMARY KEY (order_id, seq)
)
PARTITION BY RANGE (order_id);
ALTER TABLE ONLY order_events ALTER COLUMN order_id SET STATISTICS 25;
ALTER TABLE ONLY order_events ALTER COLUMN seq SET STATISTICS 25;
ALTER TABLE ONLY order_events ALTER COLUMN status SET STATISTICS 25;
ALTER TABLE ONLY order_events ALTER COLUMN detail SET STATISTICS 25;
ALTER TABLE ONLY order_events ALTER COLUMN at SET STATISTICS 25;

CREATE TABLE order_lines (
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    item_id bigint NOT NULL,
    quantity integer NOT NULL,
    unit_minor bigint NOT NULL,
    CONSTRAINT order_lines_line_no_check CHECK ((line_no > 0)),
    CONSTRAINT order_lines_quantity_check CHECK (((quantity >= 1) AND (quantity <= 10000))),
    CONSTRAINT order_lines_unit_minor_check CHECK ((unit_minor >= 0)),
    CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, line_no)
)
PARTITION BY RANGE (order_id);
ALTER TABLE ONLY order_lines ALTER COLUMN order_id SET STATISTICS 25;
ALTER TABLE ONLY order_lines ALTER COLUMN line_no SET STATISTICS 25;
ALTER TABLE ONLY order_lines ALTER COLUMN item_id SET STATISTICS 25;
ALTER TABLE ONLY order_lines ALTER COLUMN quantity SET STATISTICS 25;
ALTER TABLE ONLY order_lines ALTER COLUMN unit_minor SET STATISTICS 25;

CREATE TABLE order_months (
    name text NOT NULL,
    lower uuid NOT NULL,
    upper uuid NOT NULL,
    archived_at timestamptz,
    CONSTRAINT order_months_name_check CHECK ((name ~ '^(until_)?[0-9]{4}_[0-9]{2}$')),
    CONSTRAINT order_months_range CHECK ((lower < upper)),
    CONSTRAINT order_months_pkey PRIMARY KEY (name)
);

CREATE TABLE orders (
    id uuid NOT NULL,
    number bigint DEFAULT nextval('order_number'::regclass) NOT NULL,
    claim_id uuid NOT NULL,
    account_id uuid,
    cart_id text,
    email text,
    country text NOT NULL,
    currency text NOT NULL,
    subtotal_minor bigint NOT NULL,
    discount_minor bigint NOT NULL,
    shipping_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    document json NOT NULL,
    payment_provider text NOT NULL,
    payment_method text NOT NULL,
    status text DEFAULT 'placed' NOT NULL,
    timeline_seq integer DEFAULT 1 NOT NULL,
    placed_at timestamptz DEFAULT now() NOT NULL,
    payment_deadline timestamptz NOT NULL,
    paid_at timestamptz,
    cancelled_at timestamptz,
    erased_at timestamptz,
    personal bytea,
    email_index bytea,
    CONSTRAINT orders_cancelled CHECK (((status = 'cancelled') = (cancelled_at IS NOT NULL))),
    CONSTRAINT orders_check CHECK (((discount_minor >= 0) AND (discount_minor <= subtotal_minor))),
    CONSTRAINT orders_currency_check CHECK ((currency ~ '^[A-Z]{3}$')),
    CONSTRAINT orders_deadline CHECK ((payment_deadline > placed_at)),
    CONSTRAINT orders_paid CHECK (((status = ANY (ARRAY['paid', 'booked', 'shipped', 'delivered', 'partially_refunded', 'refunded', 'disputed'])) = (paid_at IS NOT NULL))),
    CONSTRAINT orders_sealed CHECK (((num_nonnulls(email, personal) = 1) AND (num_nonnulls(personal, email_index) <> 1))),
    CONSTRAINT orders_shipping_minor_check CHECK ((shipping_minor >= 0)),
    CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['placed', 'payment_failed', 'action_required', 'cancelled', 'paid', 'booked', 'shipped', 'delivered', 'partially_refunded', 'refunded', 'disputed']))),
    CONSTRAINT orders_subtotal_minor_check CHECK ((subtotal_minor >= 0)),
    CONSTRAINT orders_tax_minor_check CHECK ((tax_minor >= 0)),
    CONSTRAINT orders_total CHECK ((total_minor = (((subtotal_minor - discount_minor) + shipping_minor) + tax_minor))),
    CONSTRAINT orders_pkey PRIMARY KEY (id)
)
PARTITION BY RANGE (id);
ALTER TABLE ONLY orders ALTER COLUMN id SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN number SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN claim_id SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN account_id SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN cart_id SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN email SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN country SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN currency SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN subtotal_minor SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN discount_minor SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN shipping_minor SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN tax_minor SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN total_minor SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN document SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN payment_provider SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN payment_method SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN status SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN timeline_seq SET STATISTICS 0;
ALTER TABLE ONLY orders ALTER COLUMN placed_at SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN payment_deadline SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN paid_at SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN cancelled_at SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN erased_at SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN personal SET STATISTICS 25;
ALTER TABLE ONLY orders ALTER COLUMN email_index SET STATISTICS 25;
CREATE INDEX orders_account ON ONLY orders (account_id, id) WHERE (account_id IS NOT NULL);
CREATE INDEX orders_email ON ONLY orders (lower(email)) WHERE (email IS NOT NULL);
ALTER INDEX orders_email ALTER COLUMN 1 SET STATISTICS 25;
CREATE INDEX orders_email_index ON ONLY orders (email_index) WHERE (email_index IS NOT NULL);
CREATE INDEX orders_unpaid ON ONLY orders (payment_deadline) WHERE ((paid_at IS NULL) AND (cancelled_at IS NULL));
CREATE TRIGGER orders_free_cart AFTER UPDATE ON orders FOR EACH ROW WHEN (((new.cart_id IS NOT NULL) AND ((old.status = 'cancelled') <> (new.status = 'cancelled')))) EXECUTE FUNCTION order_frees_cart();

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    topic text NOT NULL,
    subject_id uuid NOT NULL,
    payload json,
    attempts integer DEFAULT 0 NOT NULL,
    available_at timestamptz DEFAULT now() NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    parked_at timestamptz,
    last_error text,
    CONSTRAINT outbox_parked_has_cause CHECK (((parked_at IS NULL) OR (last_error IS NOT NULL))),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');
ALTER TABLE ONLY outbox ALTER COLUMN id SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN topic SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN subject_id SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN payload SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN attempts SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN available_at SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN created_at SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN parked_at SET STATISTICS 25;
ALTER TABLE ONLY outbox ALTER COLUMN last_error SET STATISTICS 25;
CREATE INDEX outbox_due ON outbox (topic, available_at, id) WHERE (parked_at IS NULL);
CREATE INDEX outbox_parked ON outbox (parked_at) WHERE (parked_at IS NOT NULL);
CREATE INDEX outbox_subject ON outbox (subject_id);

CREATE TABLE payments (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    attempt smallint NOT NULL,
    provider text NOT NULL,
    method text NOT NULL,
    provider_ref text,
    amount_minor bigint NOT NULL,
    refunded_minor bigint DEFAULT 0 NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    client_secret text,
    action_url text,
    decline_code text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    settled_at timestamptz,
    CONSTRAINT payments_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT payments_attempt_check CHECK ((attempt > 0)),
    CONSTRAINT payments_check CHECK (((refunded_minor >= 0) AND (refunded_minor <= amount_minor))),
    CONSTRAINT payments_decline CHECK (((status = 'declined') = (decline_code IS NOT NULL))),
    CONSTRAINT payments_settled CHECK (((status = ANY (ARRAY['succeeded', 'refunded'])) = (settled_at IS NOT NULL))),
    CONSTRAINT payments_status_check CHECK ((status = ANY (ARRAY['pending', 'action_required', 'succeeded', 'declined', 'voided', 'refunded']))),
    CONSTRAINT payments_order_id_attempt_key UNIQUE (order_id, attempt),
    CONSTRAINT payments_pkey PRIMARY KEY (id)
)
WITH (fillfactor='80');
CREATE UNIQUE INDEX payments_one_success ON payments (order_id) WHERE (status = 'succeeded');
CREATE UNIQUE INDEX payments_ref ON payments (provider, provider_ref) WHERE (provider_ref IS NOT NULL);

CREATE TABLE price_lists (
    id uuid NOT NULL,
    name text NOT NULL,
    owner_id uuid,
    status text DEFAULT 'waiting' NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    began_at timestamptz,
    over_at timestamptz,
    version bigint DEFAULT 1 NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT price_lists_check CHECK ((ends_at > starts_at)),
    CONSTRAINT price_lists_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT price_lists_over CHECK (((status = 'over') = (over_at IS NOT NULL))),
    CONSTRAINT price_lists_running CHECK (((status <> 'running') OR ((began_at IS NOT NULL) AND (ends_at IS NOT NULL)))),
    CONSTRAINT price_lists_status_check CHECK ((status = ANY (ARRAY['waiting', 'running', 'over']))),
    CONSTRAINT price_lists_waiting CHECK (((status <> 'waiting') OR (began_at IS NULL))),
    CONSTRAINT price_lists_pkey PRIMARY KEY (id),
    CONSTRAINT price_lists_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES accounts(id)
);
CREATE INDEX price_lists_to_begin ON price_lists (starts_at) WHERE (status = 'waiting');
CREATE INDEX price_lists_to_end ON price_lists (ends_at) WHERE (status = 'running');

CREATE TABLE products (
    id uuid NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    description text DEFAULT '' NOT NULL,
    vendor text DEFAULT '' NOT NULL,
    status text DEFAULT 'draft' NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    images jsonb DEFAULT '[]'::jsonb NOT NULL,
    tax_class text DEFAULT 'standard' NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    published_at timestamptz,
    archived_at timestamptz,
    owner_id uuid,
    publish_at timestamptz,
    CONSTRAINT products_archived_has_time CHECK (((status = 'archived') = (archived_at IS NOT NULL))),
    CONSTRAINT products_publish_at_is_a_drafts CHECK (((publish_at IS NULL) OR (status = 'draft'))),
    CONSTRAINT products_published_has_time CHECK (((status <> 'published') OR (published_at IS NOT NULL))),
    CONSTRAINT products_slug_check CHECK (((slug <> '') AND (length(slug) <= 200))),
    CONSTRAINT products_status_check CHECK ((status = ANY (ARRAY['draft', 'published', 'archived']))),
    CONSTRAINT products_title_check CHECK (((length(title) >= 1) AND (length(title) <= 500))),
    CONSTRAINT products_pkey PRIMARY KEY (id),
    CONSTRAINT products_slug_key UNIQUE (slug),
    CONSTRAINT products_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES accounts(id)
);
CREATE INDEX products_attributes ON products USING gin (attributes jsonb_path_ops) WHERE (status = 'published');
CREATE INDEX products_listing ON products (published_at DESC, id) WHERE (status = 'published');
CREATE INDEX products_owner ON products (owner_id, id) WHERE (owner_id IS NOT NULL);
CREATE INDEX products_publish_at ON products (publish_at) WHERE (publish_at IS NOT NULL);
CREATE INDEX products_slug_prefix ON products (slug text_pattern_ops);
CREATE INDEX products_tags ON products USING gin (tags) WHERE (status = 'published');
CREATE INDEX products_title_prefix ON products (lower(title) text_pattern_ops);
CREATE TRIGGER products_inserted AFTER INSERT ON products REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION products_changed();
CREATE TRIGGER products_inserted_search AFTER INSERT ON products REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch_products();
CREATE TRIGGER products_updated AFTER UPDATE ON products REFERENCING OLD TABLE AS old_rows NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION products_updated();
CREATE TRIGGER products_updated_search AFTER UPDATE ON products REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch_products();

CREATE TABLE variants (
    item_id bigint NOT NULL,
    product_id uuid NOT NULL,
    sku text NOT NULL,
    barcode text,
    title text DEFAULT '' NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    weight_g integer DEFAULT 0 NOT NULL,
    requires_shipping boolean DEFAULT true NOT NULL,
    "position" integer DEFAULT 0 NOT NULL,
    archived_at timestamptz,
    CONSTRAINT variants_barcode_check CHECK ((barcode ~ '^[0-9]{8,14}$')),
    CONSTRAINT variants_sku_check CHECK ((sku ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$')),
    CONSTRAINT variants_weight_g_check CHECK (((weight_g >= 0) AND (weight_g <= 10000000))),
    CONSTRAINT variants_pkey PRIMARY KEY (item_id),
    CONSTRAINT variants_sku_key UNIQUE (sku),
    CONSTRAINT variants_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id),
    CONSTRAINT variants_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id)
);
CREATE INDEX variants_barcode ON variants (barcode) WHERE (barcode IS NOT NULL);
CREATE INDEX variants_product ON variants (product_id, "position");
CREATE INDEX variants_sku_bytes ON variants (sku COLLATE "C");
CREATE INDEX variants_sku_prefix ON variants (sku text_pattern_ops);
CREATE TRIGGER variants_deleted AFTER DELETE ON variants REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION variants_changed();
CREATE TRIGGER variants_deleted_search AFTER DELETE ON variants REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER variants_inserted AFTER INSERT ON variants REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION variants_made();
CREATE TRIGGER variants_inserted_search AFTER INSERT ON variants REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER variants_left_search AFTER UPDATE ON variants REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER variants_updated AFTER UPDATE ON variants REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION variants_changed();
CREATE TRIGGER variants_updated_search AFTER UPDATE ON variants REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch();

CREATE TABLE price_list_entries (
    list_id uuid NOT NULL,
    item_id bigint NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    compare_at_minor bigint,
    CONSTRAINT price_list_entries_amount_minor_check CHECK (((amount_minor >= 0) AND (amount_minor <= '100000000000'::bigint))),
    CONSTRAINT price_list_entries_compare_at_minor_check CHECK (((compare_at_minor >= 0) AND (compare_at_minor <= '100000000000'::bigint))),
    CONSTRAINT price_list_entries_currency_check CHECK ((currency ~ '^[A-Z]{3}$')),
    CONSTRAINT price_list_entries_pkey PRIMARY KEY (list_id, item_id, currency),
    CONSTRAINT price_list_entries_item_id_fkey FOREIGN KEY (item_id) REFERENCES variants(item_id) ON DELETE CASCADE,
    CONSTRAINT price_list_entries_list_id_fkey FOREIGN KEY (list_id) REFERENCES price_lists(id) ON DELETE CASCADE
);
CREATE INDEX price_list_entries_item ON price_list_entries (item_id, currency);

CREATE TABLE prices (
    item_id bigint NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    compare_at_minor bigint,
    list_id uuid,
    regular_minor bigint,
    regular_compare_at_minor bigint,
    CONSTRAINT prices_amount_minor_check CHECK (((amount_minor >= 0) AND (amount_minor <= '100000000000'::bigint))),
    CONSTRAINT prices_compare_at_minor_check CHECK (((compare_at_minor >= 0) AND (compare_at_minor <= '100000000000'::bigint))),
    CONSTRAINT prices_currency_check CHECK ((currency ~ '^[A-Z]{3}$')),
    CONSTRAINT prices_regular_compare_at_minor_check CHECK (((regular_compare_at_minor >= 0) AND (regular_compare_at_minor <= '100000000000'::bigint))),
    CONSTRAINT prices_regular_is_whole CHECK (((regular_minor IS NOT NULL) OR (regular_compare_at_minor IS NULL))),
    CONSTRAINT prices_regular_minor_check CHECK (((regular_minor >= 0) AND (regular_minor <= '100000000000'::bigint))),
    CONSTRAINT prices_regular_waits_under_a_list CHECK (((list_id IS NOT NULL) OR ((regular_minor IS NULL) AND (regular_compare_at_minor IS NULL)))),
    CONSTRAINT prices_pkey PRIMARY KEY (item_id, currency),
    CONSTRAINT prices_item_id_fkey FOREIGN KEY (item_id) REFERENCES variants(item_id) ON DELETE CASCADE,
    CONSTRAINT prices_list_id_fkey FOREIGN KEY (list_id) REFERENCES price_lists(id)
);
CREATE INDEX prices_list ON prices (list_id) WHERE (list_id IS NOT NULL);
CREATE TRIGGER prices_deleted AFTER DELETE ON prices REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prices_changed();
CREATE TRIGGER prices_deleted_search AFTER DELETE ON prices REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch_prices();
CREATE TRIGGER prices_inserted AFTER INSERT ON prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prices_changed();
CREATE TRIGGER prices_inserted_search AFTER INSERT ON prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch_prices();
CREATE TRIGGER prices_updated AFTER UPDATE ON prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION prices_changed();
CREATE TRIGGER prices_updated_search AFTER UPDATE ON prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch_prices();

CREATE TABLE product_categories (
    product_id uuid NOT NULL,
    category_id uuid NOT NULL,
    CONSTRAINT product_categories_pkey PRIMARY KEY (category_id, product_id),
    CONSTRAINT product_categories_category_id_fkey FOREIGN KEY (category_id) REFERENCES categories(id) ON DELETE CASCADE,
    CONSTRAINT product_categories_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id) ON DELETE CASCADE
);
CREATE INDEX product_categories_product ON product_categories (product_id);
CREATE TRIGGER memberships_deleted_search AFTER DELETE ON product_categories REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER memberships_inserted_search AFTER INSERT ON product_categories REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch();
CREATE TRIGGER memberships_updated_search AFTER UPDATE ON product_categories REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_touch();

CREATE TABLE product_search (
    product_id uuid NOT NULL,
    published_at timestamptz NOT NULL,
    title_key text NOT NULL COLLATE pg_catalog."C",
    rating_key integer DEFAULT 0 NOT NULL,
    currencies text[] NOT NULL,
    lowest bigint[] NOT NULL,
    highest bigint[] NOT NULL,
    categories uuid[] NOT NULL,
    facets text[] NOT NULL,
    terms tsvector NOT NULL,
    CONSTRAINT product_search_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_search_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id) ON DELETE CASCADE
)
WITH (autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY product_search ALTER COLUMN facets SET STORAGE MAIN;
ALTER TABLE ONLY product_search ALTER COLUMN terms SET STORAGE EXTERNAL;
CREATE INDEX product_search_newest ON product_search (published_at DESC, product_id);
CREATE INDEX product_search_rating ON product_search (rating_key DESC, product_id);
CREATE INDEX product_search_terms ON product_search USING gin (terms);
CREATE INDEX product_search_title ON product_search (title_key, product_id);
CREATE TRIGGER product_search_rated BEFORE INSERT ON product_search FOR EACH ROW EXECUTE FUNCTION search_rated();

CREATE TABLE product_prices (
    product_id uuid NOT NULL,
    currency text NOT NULL,
    lowest_minor bigint NOT NULL,
    CONSTRAINT product_prices_pkey PRIMARY KEY (product_id, currency),
    CONSTRAINT product_prices_product_id_fkey FOREIGN KEY (product_id) REFERENCES product_search(product_id) ON DELETE CASCADE
)
WITH (autovacuum_vacuum_scale_factor='0.05');
CREATE INDEX product_prices_down ON product_prices (currency, lowest_minor DESC, product_id);
CREATE INDEX product_prices_up ON product_prices (currency, lowest_minor, product_id);

CREATE TABLE product_ratings (
    product_id uuid NOT NULL,
    stars_1 integer DEFAULT 0 NOT NULL,
    stars_2 integer DEFAULT 0 NOT NULL,
    stars_3 integer DEFAULT 0 NOT NULL,
    stars_4 integer DEFAULT 0 NOT NULL,
    stars_5 integer DEFAULT 0 NOT NULL,
    reviews integer GENERATED ALWAYS AS (((((stars_1 + stars_2) + stars_3) + stars_4) + stars_5)) STORED NOT NULL,
    stars bigint GENERATED ALWAYS AS (((((stars_1 + (2 * stars_2)) + (3 * stars_3)) + (4 * stars_4)) + (5 * stars_5))) STORED NOT NULL,
    rating_key integer GENERATED ALWAYS AS (
CASE
    WHEN (((((stars_1 + stars_2) + stars_3) + stars_4) + stars_5) = 0) THEN 0
    ELSE (((((((stars_1 + (2 * stars_2)) + (3 * stars_3)) + (4 * stars_4)) + (5 * stars_5)) * 1000) + 10500) / (((((stars_1 + stars_2) + stars_3) + stars_4) + stars_5) + 3))
END) STORED NOT NULL,
    CONSTRAINT product_ratings_stars_1_check CHECK ((stars_1 >= 0)),
    CONSTRAINT product_ratings_stars_2_check CHECK ((stars_2 >= 0)),
    CONSTRAINT product_ratings_stars_3_check CHECK ((stars_3 >= 0)),
    CONSTRAINT product_ratings_stars_4_check CHECK ((stars_4 >= 0)),
    CONSTRAINT product_ratings_stars_5_check CHECK ((stars_5 >= 0)),
    CONSTRAINT product_ratings_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_ratings_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id)
);
CREATE TRIGGER ratings_changed AFTER UPDATE ON product_ratings FOR EACH ROW EXECUTE FUNCTION ratings_changed();

CREATE TABLE refresh_tokens (
    digest bytea NOT NULL,
    account_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (digest),
    CONSTRAINT refresh_tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);

CREATE TABLE reviews (
    id uuid NOT NULL,
    product_id uuid NOT NULL,
    account_id uuid,
    stars smallint NOT NULL,
    title text NOT NULL,
    body text DEFAULT '' NOT NULL,
    author text DEFAULT '' NOT NULL,
    status text DEFAULT 'pending' NOT NULL,
    reason text DEFAULT '' NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    moderated_at timestamptz,
    moderated_by text,
    CONSTRAINT reviews_author_check CHECK ((length(author) <= 40)),
    CONSTRAINT reviews_body_check CHECK ((length(body) <= 5000)),
    CONSTRAINT reviews_moderated CHECK ((((status = 'pending') = (moderated_at IS NULL)) AND ((moderated_at IS NULL) = (moderated_by IS NULL)))),
    CONSTRAINT reviews_reason_check CHECK ((length(reason) <= 500)),
    CONSTRAINT reviews_rejected_for_a_reason CHECK (((status = 'rejected') = (reason <> ''))),
    CONSTRAINT reviews_stars_check CHECK (((stars >= 1) AND (stars <= 5))),
    CONSTRAINT reviews_status_check CHECK ((status = ANY (ARRAY['pending', 'approved', 'rejected']))),
    CONSTRAINT reviews_title_check CHECK (((length(title) >= 1) AND (length(title) <= 120))),
    CONSTRAINT reviews_one_each UNIQUE (product_id, account_id),
    CONSTRAINT reviews_pkey PRIMARY KEY (id),
    CONSTRAINT reviews_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE SET NULL,
    CONSTRAINT reviews_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id)
);
CREATE INDEX reviews_account ON reviews (account_id) WHERE (account_id IS NOT NULL);
CREATE INDEX reviews_public ON reviews (product_id, created_at DESC, id) WHERE (status = 'approved');
CREATE INDEX reviews_queue ON reviews (status, created_at, id);
CREATE TRIGGER reviews_erased BEFORE UPDATE OF account_id ON reviews FOR EACH ROW WHEN ((new.account_id IS NULL)) EXECUTE FUNCTION reviews_erased();
CREATE TRIGGER reviews_rated AFTER INSERT OR DELETE OR UPDATE ON reviews FOR EACH ROW EXECUTE FUNCTION reviews_rated();

CREATE TABLE rulebook (
    only_row boolean DEFAULT true NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT rulebook_only_row_check CHECK (only_row),
    CONSTRAINT rulebook_pkey PRIMARY KEY (only_row)
);

CREATE TABLE schema_migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (name)
);

CREATE UNLOGGED TABLE search_touched (
    product_ids uuid[] NOT NULL
);
CREATE CONSTRAINT TRIGGER search_touched_settle AFTER INSERT ON search_touched DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION search_settle();

CREATE TABLE search_words (
    word text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT search_words_pkey PRIMARY KEY (word)
);
CREATE INDEX search_words_similar ON search_words USING gin (word gin_trgm_ops);

CREATE TABLE second_factors (
    account_id uuid NOT NULL,
    secret bytea,
    confirmed_at timestamptz,
    last_step bigint DEFAULT 0 NOT NULL,
    recovery bytea[] DEFAULT '{}'::bytea[] NOT NULL,
    personal bytea,
    CONSTRAINT second_factors_sealed CHECK ((num_nonnulls(secret, personal) = 1)),
    CONSTRAINT second_factors_pkey PRIMARY KEY (account_id),
    CONSTRAINT second_factors_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    renewed_at timestamptz DEFAULT now() NOT NULL,
    access_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT sessions_generation_check CHECK ((generation > 0)),
    CONSTRAINT sessions_outlive_access CHECK ((expires_at > access_until)),
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expire ON sessions (expires_at);
CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION sessions_ended();

CREATE TABLE shipments (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    label_pdf bytea,
    status text DEFAULT 'booked' NOT NULL,
    booked_at timestamptz DEFAULT now() NOT NULL,
    location text,
    personal bytea,
    CONSTRAINT shipments_sealed CHECK (((personal IS NULL) OR (label_pdf IS NULL))),
    CONSTRAINT shipments_status_check CHECK ((status = ANY (ARRAY['booked', 'in_transit', 'delivered', 'cancelled']))),
    CONSTRAINT shipments_carrier_tracking_number_key UNIQUE (carrier, tracking_number),
    CONSTRAINT shipments_order_id_key UNIQUE (order_id),
    CONSTRAINT shipments_pkey PRIMARY KEY (id),
    CONSTRAINT shipments_location_fkey FOREIGN KEY (location) REFERENCES locations(code)
);

CREATE TABLE shipping_zones (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    name text NOT NULL,
    countries text[] NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT shipping_zones_countries_check CHECK ((cardinality(countries) > 0)),
    CONSTRAINT shipping_zones_name_key UNIQUE (name),
    CONSTRAINT shipping_zones_pkey PRIMARY KEY (id)
);
CREATE TRIGGER rulebook_zones AFTER INSERT OR DELETE OR UPDATE ON shipping_zones FOR EACH STATEMENT EXECUTE FUNCTION rulebook_changed();

CREATE TABLE shipping_rates (
    zone_id integer NOT NULL,
    option text NOT NULL,
    currency text NOT NULL,
    up_to_weight_g integer NOT NULL,
    title text NOT NULL,
    amount_minor bigint NOT NULL,
    free_above_minor bigint,
    days_min integer DEFAULT 1 NOT NULL,
    days_max integer DEFAULT 5 NOT NULL,
    CONSTRAINT shipping_rates_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT shipping_rates_check CHECK ((days_max >= days_min)),
    CONSTRAINT shipping_rates_currency_check CHECK ((currency ~ '^[A-Z]{3}$')),
    CONSTRAINT shipping_rates_days_min_check CHECK ((days_min >= 0)),
    CONSTRAINT shipping_rates_free_above_minor_check CHECK ((free_above_minor >= 0)),
    CONSTRAINT shipping_rates_option_check CHECK ((option ~ '^[a-z][a-z0-9_-]{0,31}$')),
    CONSTRAINT shipping_rates_up_to_weight_g_check CHECK ((up_to_weight_g > 0)),
    CONSTRAINT shipping_rates_pkey PRIMARY KEY (zone_id, option, currency, up_to_weight_g),
    CONSTRAINT shipping_rates_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES shipping_zones(id) ON DELETE CASCADE
);
CREATE TRIGGER rulebook_rates AFTER INSERT OR DELETE OR UPDATE ON shipping_rates FOR EACH STATEMENT EXECUTE FUNCTION rulebook_changed();

CREATE TABLE stock_counts (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    document_id uuid NOT NULL,
    item_id bigint NOT NULL,
    location text NOT NULL,
    expected integer NOT NULL,
    counted integer NOT NULL,
    actor text NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT stock_counts_counted_check CHECK ((counted >= 0)),
    CONSTRAINT stock_counts_document_id_item_id_key UNIQUE (document_id, item_id),
    CONSTRAINT stock_counts_pkey PRIMARY KEY (id),
    CONSTRAINT stock_counts_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id),
    CONSTRAINT stock_counts_location_fkey FOREIGN KEY (location) REFERENCES locations(code)
);
CREATE INDEX stock_counts_item ON stock_counts (item_id, id);

CREATE TABLE stock_feed (
    item_id bigint NOT NULL,
    location text NOT NULL,
    source_id text NOT NULL,
    as_of timestamptz NOT NULL,
    on_hand integer NOT NULL,
    applied_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT stock_feed_pkey PRIMARY KEY (item_id, location, source_id),
    CONSTRAINT stock_feed_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id),
    CONSTRAINT stock_feed_location_fkey FOREIGN KEY (location) REFERENCES locations(code)
);

CREATE TABLE stock_movements (
    id bigint DEFAULT nextval('stock_movement_id'::regclass) NOT NULL,
    movement_id uuid NOT NULL,
    item_id bigint NOT NULL,
    kind text NOT NULL,
    on_hand_delta integer DEFAULT 0 NOT NULL,
    reserved_delta integer DEFAULT 0 NOT NULL,
    order_id uuid,
    location text DEFAULT 'main' NOT NULL,
    reason text DEFAULT '' NOT NULL,
    actor text DEFAULT 'system' NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    document_id uuid,
    CONSTRAINT stock_movements_kind_check CHECK ((kind = ANY (ARRAY['receipt', 'adjustment', 'release', 'reacquire', 'shipment', 'return', 'transfer', 'count', 'feed', 'opening']))),
    CONSTRAINT stock_movements_move CHECK (((on_hand_delta <> 0) OR (reserved_delta <> 0))),
    CONSTRAINT stock_movements_transfer CHECK (((kind <> 'transfer') OR ((document_id IS NOT NULL) AND (reserved_delta = 0)))),
    CONSTRAINT stock_movements_movement_id_key UNIQUE (movement_id),
    CONSTRAINT stock_movements_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id)
)
PARTITION BY RANGE (movement_id);
ALTER TABLE ONLY stock_movements ALTER COLUMN id SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN movement_id SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN item_id SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN kind SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN on_hand_delta SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN reserved_delta SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN order_id SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN location SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN reason SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN actor SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN at SET STATISTICS 25;
ALTER TABLE ONLY stock_movements ALTER COLUMN document_id SET STATISTICS 25;
CREATE INDEX stock_movements_item ON ONLY stock_movements (item_id, id);
CREATE TRIGGER stock_movements_moved AFTER INSERT ON stock_movements REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION stock_moved();

CREATE TABLE stock_policies (
    item_id bigint NOT NULL,
    backorder integer DEFAULT 0 NOT NULL,
    safety_stock integer DEFAULT 0 NOT NULL,
    preorder_units integer DEFAULT 0 NOT NULL,
    preorder_until timestamptz,
    low_at integer,
    is_low boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT stock_policies_backorder_check CHECK (((backorder >= 0) AND (backorder <= 1000000000))),
    CONSTRAINT stock_policies_beyond CHECK ((((backorder)::bigint + preorder_units) <= 1000000000)),
    CONSTRAINT stock_policies_low CHECK (((NOT is_low) OR (low_at IS NOT NULL))),
    CONSTRAINT stock_policies_low_at_check CHECK (((low_at >= 0) AND (low_at <= 1000000000))),
    CONSTRAINT stock_policies_preorder_has_end CHECK (((preorder_units > 0) = (preorder_until IS NOT NULL))),
    CONSTRAINT stock_policies_preorder_units_check CHECK (((preorder_units >= 0) AND (preorder_units <= 1000000000))),
    CONSTRAINT stock_policies_safety_stock_check CHECK (((safety_stock >= 0) AND (safety_stock <= 1000000000))),
    CONSTRAINT stock_policies_pkey PRIMARY KEY (item_id),
    CONSTRAINT stock_policies_item_id_fkey FOREIGN KEY (item_id) REFERENCES stock(item_id)
);
CREATE INDEX stock_policies_low_at ON stock_policies (item_id) WHERE (low_at IS NOT NULL);
CREATE INDEX stock_policies_preorder ON stock_policies (preorder_until) WHERE (preorder_until IS NOT NULL);
CREATE TRIGGER stock_policies_inserted AFTER INSERT ON stock_policies REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION stock_policies_changed();
CREATE TRIGGER stock_policies_updated AFTER UPDATE ON stock_policies REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION stock_policies_changed();

CREATE TABLE tax_rates (
    country text NOT NULL,
    region text DEFAULT '' NOT NULL,
    tax_class text DEFAULT 'standard' NOT NULL,
    name text NOT NULL,
    rate_bp integer NOT NULL,
    inclusive boolean NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT tax_rates_country_check CHECK ((country ~ '^[A-Z]{2}$')),
    CONSTRAINT tax_rates_rate_bp_check CHECK (((rate_bp >= 0) AND (rate_bp <= 10000))),
    CONSTRAINT tax_rates_pkey PRIMARY KEY (country, region, tax_class)
);
CREATE TRIGGER rulebook_tax AFTER INSERT OR DELETE OR UPDATE ON tax_rates FOR EACH STATEMENT EXECUTE FUNCTION rulebook_changed();

CREATE TABLE webhook_endpoints (
    id uuid NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    description text DEFAULT '' NOT NULL,
    active boolean DEFAULT true NOT NULL,
    secret_number integer DEFAULT 1 NOT NULL,
    rotated_at timestamptz,
    failing_since timestamptz,
    last_error text,
    version bigint DEFAULT 1 NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT webhook_endpoints_description_check CHECK ((length(description) <= 200)),
    CONSTRAINT webhook_endpoints_events_check CHECK ((cardinality(events) > 0)),
    CONSTRAINT webhook_endpoints_failing CHECK (((failing_since IS NULL) OR (last_error IS NOT NULL))),
    CONSTRAINT webhook_endpoints_rotated CHECK (((secret_number > 1) = (rotated_at IS NOT NULL))),
    CONSTRAINT webhook_endpoints_secret_number_check CHECK ((secret_number > 0)),
    CONSTRAINT webhook_endpoints_url_check CHECK (((url ~ '^https?://') AND (length(url) <= 2000))),
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id)
);

CREATE TABLE webhook_inbox (
    id uuid NOT NULL,
    provider text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    payload json,
    status text DEFAULT 'received' NOT NULL,
    order_id uuid,
    received_at timestamptz DEFAULT now() NOT NULL,
    handled_at timestamptz,
    personal bytea,
    CONSTRAINT webhook_inbox_handled CHECK (((status = ANY (ARRAY['applied', 'ignored'])) = (handled_at IS NOT NULL))),
    CONSTRAINT webhook_inbox_sealed CHECK ((num_nonnulls(payload, personal) = 1)),
    CONSTRAINT webhook_inbox_status_check CHECK ((status = ANY (ARRAY['received', 'applied', 'ignored', 'parked']))),
    CONSTRAINT webhook_inbox_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_inbox_provider_event_id_key UNIQUE (provider, event_id)
)
WITH (autovacuum_vacuum_scale_factor='0.05');
CREATE INDEX webhook_inbox_open ON webhook_inbox (received_at) WHERE (status = ANY (ARRAY['received', 'parked']));

CREATE VIEW regular_prices AS
 SELECT item_id,
    currency,
        CASE
            WHEN (list_id IS NULL) THEN amount_minor
            ELSE regular_minor
        END AS amount_minor,
        CASE
            WHEN (list_id IS NULL) THEN compare_at_minor
            ELSE regular_compare_at_minor
        END AS compare_at_minor
   FROM prices
  WHERE ((list_id IS NULL) OR (regular_minor IS NOT NULL));

CREATE VIEW bulk_products AS
 SELECT id,
    slug,
    title,
    description,
    vendor,
    status,
    tax_class,
    tags,
    attributes,
    images,
    owner_id,
    ARRAY( SELECT pc.category_id
           FROM product_categories pc
          WHERE (pc.product_id = p.id)) AS category_ids,
    ( SELECT COALESCE(json_agg(json_build_object('sku', v.sku, 'title', v.title, 'options', v.options, 'barcode', v.barcode, 'weight_g', v.weight_g, 'requires_shipping', v.requires_shipping, 'on_hand', s.on_hand, 'backorder_limit', s.backorder_limit, 'archived', (v.archived_at IS NOT NULL), 'prices', ( SELECT COALESCE(json_object_agg(r.currency, json_build_array(r.amount_minor, r.compare_at_minor)), '{}'::json) AS "coalesce"
                   FROM regular_prices r
                  WHERE (r.item_id = v.item_id))) ORDER BY v."position", v.item_id), '[]'::json) AS "coalesce"
           FROM (variants v
             JOIN stock s ON ((s.item_id = v.item_id)))
          WHERE (v.product_id = p.id)) AS variants
   FROM products p;

CREATE VIEW order_month_sizes AS
 SELECT m.name,
    m.lower,
    m.upper,
    m.archived_at,
    (COALESCE(sum(c.reltuples) FILTER (WHERE ((c.relname = ('orders_' || m.name)) AND (c.reltuples > (0)::double precision))), (0)::real))::bigint AS orders,
    (COALESCE(sum(pg_total_relation_size((c.oid)::regclass)), (0)::numeric))::bigint AS bytes
   FROM (order_months m
     LEFT JOIN pg_class c ON (((c.relname ~ (('^(orders|order_lines|order_events|stock_movements)_' || m.name) || '$')) AND (c.relkind = 'r'::"char") AND (c.relnamespace = ((
        CASE
            WHEN (m.archived_at IS NULL) THEN 'months'
            ELSE 'archive'
        END)::regnamespace)::oid))))
  GROUP BY m.name, m.lower, m.upper, m.archived_at;

CREATE VIEW stock_ledger AS
 SELECT order_lines.item_id,
    'reservation' AS kind,
    0 AS on_hand_delta,
    order_lines.quantity AS reserved_delta,
    order_lines.order_id
   FROM order_lines
UNION ALL
 SELECT stock_movements.item_id,
    stock_movements.kind,
    stock_movements.on_hand_delta,
    stock_movements.reserved_delta,
    stock_movements.order_id
   FROM stock_movements;
