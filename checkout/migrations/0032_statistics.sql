-- What grows with every order is analysed for less: a sample of 7,500 rows, not 30,000, and none of columns that no statement
-- chooses by. A table that grows by a tenth is analysed again, and with a shop's first hundred thousand orders that took a core for 0.3 s,
-- up to four times a minute, while checkouts waited.
DO $$
DECLARE c record;
BEGIN
    FOR c IN SELECT attrelid::regclass AS owner, attname AS name FROM pg_attribute
             WHERE attrelid = ANY (ARRAY['orders', 'order_lines', 'order_events', 'stock_movements', 'order_claims', 'outbox']::regclass[])
               AND attnum > 0 AND NOT attisdropped
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 25', c.owner, c.name);
    END LOOP;
END $$;
ALTER TABLE orders
    ALTER COLUMN claim_id SET STATISTICS 0,
    ALTER COLUMN document SET STATISTICS 0,
    ALTER COLUMN subtotal_minor SET STATISTICS 0,
    ALTER COLUMN discount_minor SET STATISTICS 0,
    ALTER COLUMN shipping_minor SET STATISTICS 0,
    ALTER COLUMN tax_minor SET STATISTICS 0,
    ALTER COLUMN payment_method SET STATISTICS 0,
    ALTER COLUMN timeline_seq SET STATISTICS 0;
ALTER INDEX orders_email ALTER COLUMN 1 SET STATISTICS 25;

-- As 0022 made it; a new month is analysed as its table is.
-- Makes the partitions of the months from $1 to $2 that are missing; gives how many months. Rows of such a month that had to go
-- to `…_other` move into it. Locks: `…_other`, for a moment; nobody else's month.
CREATE OR REPLACE FUNCTION make_order_months(first date, last date) RETURNS int LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
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
        first_id := public.uuid_at(month::timestamp AT TIME ZONE 'UTC');
        next_id := public.uuid_at((month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        month_name := to_char(month, 'YYYY_MM');
        CONTINUE WHEN EXISTS (SELECT FROM public.order_months m WHERE m.lower < next_id AND m.upper > first_id);
        INSERT INTO public.order_months (name, lower, upper) VALUES (month_name, first_id, next_id) ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        FOR t IN SELECT * FROM (VALUES ('orders', 'id', 'fillfactor = 80'), ('order_lines', 'order_id', 'fillfactor = 100'),
                                       ('order_events', 'order_id', 'fillfactor = 100'),
                                       ('stock_movements', 'movement_id', 'fillfactor = 100')) AS v (name, key, storage)
        LOOP
            part := t.name || '_' || month_name;
            EXECUTE format('CREATE TABLE months.%I (LIKE public.%I INCLUDING ALL) WITH (%s)', part, t.name, t.storage);
            -- LIKE leaves them behind.
            FOR c IN SELECT attname, attstattarget AS target FROM pg_attribute
                     WHERE attrelid = format('public.%I', t.name)::regclass AND attnum > 0 AND attstattarget >= 0
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
            EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION months.%I FOR VALUES FROM (%L) TO (%L)',
                           t.name, part, first_id, next_id);
        END LOOP;
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
