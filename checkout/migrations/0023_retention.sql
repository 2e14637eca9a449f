-- What is forgotten when, and how a month leaves: months of orders go to schema `archive` whole, and leave their sums behind.

-- When requests of admins may be forgotten.
CREATE INDEX admin_requests_at ON admin_requests (at);
-- Nobody asks for the movements of an order by it: they have the order's time in their names.
DROP INDEX stock_movements_order;
-- Rows that are written and deleted at once: vacuum before a scan notices.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE carts SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE stock SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE webhook_inbox SET (autovacuum_vacuum_scale_factor = 0.05);

-- Statistics of all months together, which autovacuum does not keep. Cost: a sample of 30,000 rows a table (from Postgres 18 on;
-- before, one of each month too).
CREATE FUNCTION analyze_order_months() RETURNS void LANGUAGE plpgsql SET statement_timeout = '5min' AS $$
DECLARE
    alone text := CASE WHEN current_setting('server_version_num')::int >= 180000 THEN 'ONLY ' ELSE '' END;
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['orders', 'order_lines', 'order_events', 'stock_movements'] LOOP
        EXECUTE format('ANALYZE %spublic.%I', alone, t);
    END LOOP;
END $$;

-- What stops a month from being archived, or null. Its orders are at rest, their keys forgotten, and what its ledger sums up to is
-- what its orders hold.
CREATE FUNCTION order_month_stays(month_name text) RETURNS text LANGUAGE plpgsql AS $$
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

-- Takes a month out, in one transaction: what it adds to the stock ledger stays as one 'opening' movement an item and location.
-- Raises: restrict_violation with the reason why it stays. Locks: the month against changes; at the end all tables, for a moment.
CREATE FUNCTION archive_order_month(month_name text) RETURNS bigint LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
    m order_months;
    t text;
    stays text;
    gone bigint;
BEGIN
    SELECT * INTO m FROM public.order_months WHERE name = month_name FOR UPDATE;
    stays := public.order_month_stays(month_name);
    IF stays IS NULL THEN
        FOREACH t IN ARRAY ARRAY['orders', 'order_lines', 'order_events', 'stock_movements'] LOOP
            EXECUTE format('LOCK TABLE months.%I IN SHARE MODE', t || '_' || month_name);
        END LOOP;
        stays := public.order_month_stays(month_name);   -- what was asked before the locks may have changed
    END IF;
    IF stays IS NOT NULL THEN
        RAISE EXCEPTION '%', stays USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO public.stock_movements (movement_id, item_id, kind, on_hand_delta, reserved_delta, location, reason, actor)
    SELECT overlay(md5(month_name || item_id || location) PLACING 'ffffffffffff' FROM 1)::uuid,
           item_id, 'opening', sum(on_hand_delta), sum(reserved_delta), location, 'archived ' || month_name, 'archive'
    FROM (SELECT item_id, 0 AS on_hand_delta, quantity AS reserved_delta, 'main' AS location FROM public.order_lines
          WHERE order_id >= m.lower AND order_id < m.upper
          UNION ALL
          SELECT item_id, on_hand_delta, reserved_delta, location FROM public.stock_movements
          WHERE movement_id >= m.lower AND movement_id < m.upper) l
    GROUP BY item_id, location
    HAVING sum(on_hand_delta) <> 0 OR sum(reserved_delta) <> 0;
    EXECUTE format('SELECT count(*) FROM months.%I', 'orders_' || month_name) INTO gone;
    EXECUTE format('CREATE TABLE archive.%I AS SELECT * FROM public.notifications_sent WHERE order_id >= %L AND order_id < %L',
                   'notifications_sent_' || month_name, m.lower, m.upper);
    DELETE FROM public.notifications_sent WHERE order_id >= m.lower AND order_id < m.upper;
    FOREACH t IN ARRAY ARRAY['orders', 'order_lines', 'order_events', 'stock_movements'] LOOP
        EXECUTE format('ALTER TABLE public.%I DETACH PARTITION months.%I', t, t || '_' || month_name);
        EXECUTE format('ALTER TABLE months.%I SET SCHEMA archive', t || '_' || month_name);
    END LOOP;
    UPDATE public.order_months SET archived_at = now() WHERE name = month_name;
    RETURN gone;
END $$;

-- Puts an archived month back, in one transaction. Raises: no_data_found; an error that names the column when a table's shape has
-- changed since.
CREATE FUNCTION restore_order_month(month_name text) RETURNS bigint LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
    m order_months;
    t record;
    part text;
    back bigint;
BEGIN
    SELECT * INTO m FROM public.order_months WHERE name = month_name AND archived_at IS NOT NULL FOR UPDATE;
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
        EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION months.%I FOR VALUES FROM (%L) TO (%L)',
                       t.name, part, m.lower, m.upper);
    END LOOP;
    DELETE FROM public.stock_movements WHERE kind = 'opening' AND reason = 'archived ' || month_name;
    EXECUTE format('INSERT INTO public.notifications_sent SELECT * FROM archive.%I', 'notifications_sent_' || month_name);
    EXECUTE format('DROP TABLE archive.%I', 'notifications_sent_' || month_name);
    EXECUTE format('SELECT count(*) FROM months.%I', 'orders_' || month_name) INTO back;
    UPDATE public.order_months SET archived_at = NULL WHERE name = month_name;
    RETURN back;
END $$;

-- How large a month is. Units: rows as the statistics tell, bytes.
CREATE VIEW order_month_sizes AS
    SELECT m.name, m.lower, m.upper, m.archived_at,
           coalesce(sum(c.reltuples) FILTER (WHERE c.relname = 'orders_' || m.name AND c.reltuples > 0), 0)::bigint AS orders,
           coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
    FROM order_months m
    LEFT JOIN pg_class c ON c.relname ~ ('^(orders|order_lines|order_events|stock_movements)_' || m.name || '$')
                        AND c.relkind = 'r' AND c.relnamespace = (CASE WHEN m.archived_at IS NULL THEN 'months' ELSE 'archive' END)::regnamespace
    GROUP BY m.name, m.lower, m.upper, m.archived_at;
