-- Where units lie, what may be sold beyond or short of them, and a ledger that tells both. The committer and the gate keep
-- reading on_hand + backorder_limit - reserved of `stock` alone; all of this is worked out by those who change stock.

CREATE TABLE locations (
    code       text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    country    text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    region     text NOT NULL DEFAULT '' CHECK (length(region) <= 200),
    priority   int  NOT NULL DEFAULT 100 CHECK (priority BETWEEN 0 AND 1000000),   -- the least ships first
    active     boolean NOT NULL DEFAULT true,
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO locations (code, name, country) VALUES ('main', 'Main warehouse', 'DE');

-- Units of a variant by location: the ledger's sum, kept by the trigger below in the transaction of each movement. `allocated`
-- are units of booked orders that are to leave from here.
CREATE TABLE location_stock (
    item_id   bigint NOT NULL REFERENCES stock,
    location  text   NOT NULL REFERENCES locations,
    on_hand   int    NOT NULL DEFAULT 0,
    allocated int    NOT NULL DEFAULT 0,
    PRIMARY KEY (item_id, location),
    CONSTRAINT location_stock_not_negative CHECK (on_hand >= 0),
    CONSTRAINT location_stock_allocated CHECK (allocated >= 0)
) WITH (fillfactor = 80);
CREATE INDEX location_stock_place ON location_stock (location, item_id);

-- What may be sold of a variant, where it is not simply what lies there. Without a row, stock.backorder_limit is the policy.
CREATE TABLE stock_policies (
    item_id        bigint PRIMARY KEY REFERENCES stock,
    backorder      int NOT NULL DEFAULT 0 CHECK (backorder BETWEEN 0 AND 1000000000),
    safety_stock   int NOT NULL DEFAULT 0 CHECK (safety_stock BETWEEN 0 AND 1000000000),
    preorder_units int NOT NULL DEFAULT 0 CHECK (preorder_units BETWEEN 0 AND 1000000000),
    preorder_until timestamptz,
    low_at         int CHECK (low_at BETWEEN 0 AND 1000000000),
    is_low         boolean NOT NULL DEFAULT false,      -- stock.low was told, and it is not yet well again
    version        bigint NOT NULL DEFAULT 1,
    CONSTRAINT stock_policies_preorder_has_end CHECK ((preorder_units > 0) = (preorder_until IS NOT NULL)),
    CONSTRAINT stock_policies_beyond CHECK (backorder::bigint + preorder_units <= 1000000000),
    CONSTRAINT stock_policies_low CHECK (NOT is_low OR low_at IS NOT NULL)
);
CREATE INDEX stock_policies_preorder ON stock_policies (preorder_until) WHERE preorder_until IS NOT NULL;
CREATE INDEX stock_policies_low_at ON stock_policies (item_id) WHERE low_at IS NOT NULL;

-- backorder_limit is the policy's net: below 0 it keeps units back (safety stock).
ALTER TABLE stock DROP CONSTRAINT stock_backorder_limit_check;
ALTER TABLE stock ADD CONSTRAINT stock_backorder_limit_check
    CHECK (backorder_limit BETWEEN -1000000000 AND 1000000000) NOT VALID;
ALTER TABLE stock VALIDATE CONSTRAINT stock_backorder_limit_check;

ALTER TABLE stock_movements ADD COLUMN document_id uuid;     -- the receipt, transfer, count or feed that it belongs to
-- 'opening' is the sum, by item and location, of movements that were archived: it moves nothing itself.
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_kind_check;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_kind_check CHECK (kind IN (
    'receipt', 'adjustment', 'release', 'reacquire', 'shipment', 'return', 'transfer', 'count', 'feed', 'opening')) NOT VALID;
ALTER TABLE stock_movements VALIDATE CONSTRAINT stock_movements_kind_check;
-- A transfer is two movements of one document that add to zero: each leg moves its location, the total stays.
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_transfer CHECK (
    kind <> 'transfer' OR (document_id IS NOT NULL AND reserved_delta = 0));

-- Units of booked orders that are set aside at a location until they leave it; `allocated` there is their sum.
CREATE TABLE allocations (
    order_id uuid   NOT NULL,
    item_id  bigint NOT NULL,
    location text   NOT NULL,
    units    int    NOT NULL CHECK (units > 0),
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, item_id, location),
    FOREIGN KEY (item_id, location) REFERENCES location_stock
);
ALTER TABLE shipments ADD COLUMN location text REFERENCES locations;     -- where it leaves from; the first of several

-- A stocktake: what was found, whether or not it was what the ledger said.
CREATE TABLE stock_counts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id uuid   NOT NULL,
    item_id     bigint NOT NULL REFERENCES stock,
    location    text   NOT NULL REFERENCES locations,
    expected    int    NOT NULL,
    counted     int    NOT NULL CHECK (counted >= 0),
    actor       text   NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (document_id, item_id)
);
CREATE INDEX stock_counts_item ON stock_counts (item_id, id);

-- The last figure taken from each external system: an older one that comes late is ignored.
CREATE TABLE stock_feed (
    item_id    bigint NOT NULL REFERENCES stock,
    location   text   NOT NULL REFERENCES locations,
    source_id  text   NOT NULL,
    as_of      timestamptz NOT NULL,
    on_hand    int    NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (item_id, location, source_id)
);

-- Lists of stock go by SKU, byte by byte, so that a prefix is a range.
CREATE INDEX variants_sku_bytes ON variants (sku COLLATE "C");

-- The net that the committer and the gate use. What is promised stays promised: the net is never below what would break
-- stock_never_oversold, so it follows again when units come or promises end. Only rows with a policy are touched; their
-- stock rows are locked by the caller, in item order.
CREATE FUNCTION apply_stock_policies(item_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
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

CREATE FUNCTION stock_policies_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE items bigint[];
BEGIN
    SELECT array_agg(item_id) INTO items FROM changed;
    IF items IS NOT NULL THEN
        PERFORM apply_stock_policies(items);
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM variants WHERE item_id = ANY (items)));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_policies_inserted AFTER INSERT ON stock_policies REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION stock_policies_changed();
CREATE TRIGGER stock_policies_updated AFTER UPDATE ON stock_policies REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION stock_policies_changed();

-- Whoever writes a movement moves its location by it, in the same transaction. Orders write none: their lines are the ledger.
-- Whoever replaces or refills stock_movements must carry this trigger along, and load old rows without it.
CREATE FUNCTION stock_moved() RETURNS trigger LANGUAGE plpgsql AS $$
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
    RETURN NULL;
END $$;
CREATE TRIGGER stock_movements_moved AFTER INSERT ON stock_movements REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION stock_moved();

-- Before there were locations their text meant nothing: everything lies at `main`.
UPDATE stock_movements SET location = 'main' WHERE location <> 'main';
INSERT INTO location_stock (item_id, location, on_hand) SELECT item_id, 'main', on_hand FROM stock WHERE kind = 'variant';
