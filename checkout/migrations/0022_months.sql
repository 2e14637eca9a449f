-- Orders, their lines, their timeline and the movements that they cause live in partitions, one a month (schema `months`).
-- The partition is told by the id: an order's id is a UUIDv7 and sorts by time, its lines and entries carry it, and the name of
-- a movement that an order caused begins with the order's time. So every key stays unique over all months, and whoever asks by
-- id reads one month. What no month holds is in the partition `…_other`: nothing is refused for want of a month, and movements
-- with names of their own (receipts, counts, adjustments) stay there, unique for ever.
--
-- Uniqueness that no id can tell moves to `order_claims`: one key, one order; one cart, one live order.
--
-- From this migration on the version before answers checkouts with 503 (its statement names a column that is gone), until it is
-- replaced; nothing is placed twice meanwhile. Rows that exist already are not rewritten: they become the first partition.

CREATE SCHEMA months;
CREATE SCHEMA archive;

-- The first UUIDv7 of a moment.
CREATE FUNCTION uuid_at(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(trunc(extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- One row a month that has partitions. `archived_at`: since when they lie in schema `archive` instead.
CREATE TABLE order_months (
    name        text PRIMARY KEY CHECK (name ~ '^(until_)?[0-9]{4}_[0-9]{2}$'),
    lower       uuid NOT NULL,
    upper       uuid NOT NULL,
    archived_at timestamptz,
    CONSTRAINT order_months_range CHECK (lower < upper)
);

-- What an Idempotency-Key and a cart became. Written by the statement that writes the order, first; deleted by the relay when no
-- key is promised to be known any longer. Small, so that its random index stays in memory whatever the number of orders.
CREATE TABLE order_claims (
    claim_id    uuid PRIMARY KEY,       -- hash of who asked and the key; also the claim's name in the gate
    order_id    uuid NOT NULL,
    fingerprint uuid NOT NULL,          -- hash of the request
    cart_id     text                    -- while the order lives
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
CREATE UNIQUE INDEX order_claims_cart ON order_claims (cart_id) WHERE cart_id IS NOT NULL;
INSERT INTO order_claims (claim_id, order_id, fingerprint, cart_id)
    SELECT claim_id, id, fingerprint, CASE WHEN status <> 'cancelled' THEN cart_id END FROM orders;

-- Claims of orders from this id on are kept; older ones may be gone.
CREATE TABLE claims_kept (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    since    uuid NOT NULL
);
INSERT INTO claims_kept (since) VALUES ('00000000-0000-0000-0000-000000000000');

-- A cancelled order frees its cart; one that comes back to life (late money) takes it again, or trips order_claims_cart.
CREATE FUNCTION order_frees_cart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE order_claims SET cart_id = CASE WHEN NEW.status <> 'cancelled' THEN NEW.cart_id END
    WHERE claim_id = NEW.claim_id;
    RETURN NULL;
END $$;

-- Makes the partitions of the months from $1 to $2 that are missing; gives how many months. Rows of such a month that had to go
-- to `…_other` move into it. Locks: `…_other`, for a moment; nobody else's month.
CREATE FUNCTION make_order_months(first date, last date) RETURNS int LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
    month date;
    first_id uuid;
    next_id uuid;
    month_name text;
    part text;
    made int := 0;
    t record;
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

-- Nothing that has to stay unique may hang on keys that a month cannot see. Rows that name an order are written by statements that
-- hold its row; the audit looks for those without one (decision 0010).
DO $$
DECLARE k record;
BEGIN
    FOR k IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
             WHERE contype = 'f' AND confrelid IN ('orders'::regclass, 'order_lines'::regclass, 'order_events'::regclass,
                                                   'stock_movements'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.owner, k.conname);
    END LOOP;
END $$;
ALTER TABLE orders DROP CONSTRAINT orders_claim;
DROP INDEX orders_cart;
ALTER TABLE orders DROP COLUMN fingerprint;
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_pkey;
ALTER TABLE stock_movements ALTER COLUMN id DROP IDENTITY;
CREATE SEQUENCE stock_movement_id OWNED BY NONE;
SELECT setval('stock_movement_id', (SELECT coalesce(max(id), 0) + 1 FROM stock_movements), false);
ALTER TABLE stock_movements ALTER COLUMN id SET DEFAULT nextval('stock_movement_id');
-- As movement_id in checkout/payments/store.py names them from here on: the order's time, then the hash of the cause.
UPDATE stock_movements SET movement_id = overlay(movement_id::text PLACING left(order_id::text, 13) FROM 1)::uuid
WHERE order_id IS NOT NULL;
DROP VIEW stock_ledger;

-- Each table makes room for a partitioned one of its name, shape, constraints, indexes and triggers, and becomes its first
-- partition; an empty one is dropped.
DO $$
DECLARE
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    until uuid := uuid_at((this_month + interval '1 month') AT TIME ZONE 'UTC');
    month_name text := 'until_' || to_char(this_month, 'YYYY_MM');
    t record;
    part text;
    other text;
    statement text;
    again text[];
    rows bigint;
    is_old boolean := EXISTS (SELECT FROM orders);
BEGIN
    FOR t IN SELECT * FROM (VALUES ('orders', 'id', 'PRIMARY KEY (id)'),
                                   ('order_lines', 'order_id', 'PRIMARY KEY (order_id, line_no)'),
                                   ('order_events', 'order_id', 'PRIMARY KEY (order_id, seq)'),
                                   ('stock_movements', 'movement_id', 'UNIQUE (movement_id)')) AS v (name, key, constraint_)
    LOOP
        part := t.name || '_' || month_name;
        other := t.name || '_other';
        again := ARRAY(
            SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
            WHERE i.indrelid = t.name::regclass AND NOT i.indisunique ORDER BY i.indexrelid::regclass::text
        ) || ARRAY(
            SELECT format('ALTER TABLE public.%I ADD CONSTRAINT %I %s', t.name, k.conname, pg_get_constraintdef(k.oid))
            FROM pg_constraint k WHERE k.conrelid = t.name::regclass AND k.contype = 'f' ORDER BY k.conname
        ) || ARRAY(
            SELECT pg_get_triggerdef(g.oid) FROM pg_trigger g
            WHERE g.tgrelid = t.name::regclass AND NOT g.tgisinternal ORDER BY g.tgname
        );
        FOR statement IN SELECT format('DROP TRIGGER %I ON %I', g.tgname, t.name) FROM pg_trigger g
                         WHERE g.tgrelid = t.name::regclass AND NOT g.tgisinternal
        LOOP
            EXECUTE statement;
        END LOOP;
        EXECUTE format('ALTER TABLE public.%I SET SCHEMA months', t.name);
        EXECUTE format('ALTER TABLE months.%I RENAME TO %I', t.name, part);
        EXECUTE format('CREATE TABLE public.%I (LIKE months.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)
                        PARTITION BY RANGE (%I)', t.name, part, t.key);
        EXECUTE format('ALTER TABLE public.%I ADD %s', t.name, t.constraint_);
        FOREACH statement IN ARRAY again LOOP
            EXECUTE statement;
        END LOOP;
        EXECUTE format('CREATE TABLE months.%I (LIKE public.%I INCLUDING ALL)', other, t.name);
        IF t.name = 'orders' THEN
            EXECUTE format('CREATE UNIQUE INDEX ON months.%I (number)', other);
        END IF;
        EXECUTE format('WITH strays AS (DELETE FROM months.%I WHERE %I >= %L RETURNING *) INSERT INTO months.%I SELECT * FROM strays',
                       part, t.key, until, other);
        IF is_old THEN
            EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION months.%I FOR VALUES FROM (MINVALUE) TO (%L)',
                           t.name, part, until);
        ELSE
            EXECUTE format('WITH strays AS (DELETE FROM months.%I RETURNING *) INSERT INTO months.%I SELECT * FROM strays',
                           part, other);
            EXECUTE format('DROP TABLE months.%I', part);
        END IF;
        EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION months.%I DEFAULT', t.name, other);
    END LOOP;
    IF is_old THEN
        INSERT INTO order_months (name, lower, upper)
        VALUES (month_name, '00000000-0000-0000-0000-000000000000', until);
    END IF;
    PERFORM make_order_months(this_month::date, (this_month + interval '3 months')::date);
END $$;

CREATE TRIGGER orders_free_cart AFTER UPDATE ON orders FOR EACH ROW
    WHEN (NEW.cart_id IS NOT NULL AND (OLD.status = 'cancelled') <> (NEW.status = 'cancelled'))
    EXECUTE FUNCTION order_frees_cart();

CREATE VIEW stock_ledger AS
    SELECT item_id, 'reservation' AS kind, 0 AS on_hand_delta, quantity AS reserved_delta, order_id FROM order_lines
    UNION ALL
    SELECT item_id, kind, on_hand_delta, reserved_delta, order_id FROM stock_movements;
