-- Orders, their lines (which are the reservation ledger), stock movements, timeline, and the gate's epoch.

CREATE SEQUENCE order_number START 100001 CACHE 32;

CREATE TABLE orders (
    id                 uuid   PRIMARY KEY,
    number             bigint NOT NULL DEFAULT nextval('order_number'),
    claim_id           uuid   NOT NULL,     -- hash of the Idempotency-Key; also the claim's name in the gate
    fingerprint        uuid   NOT NULL,     -- hash of the request that placed it
    account_id         uuid,
    cart_id            text,
    email              text   NOT NULL,
    country            text   NOT NULL,
    currency           text   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    subtotal_minor     bigint NOT NULL CHECK (subtotal_minor >= 0),
    discount_minor     bigint NOT NULL CHECK (discount_minor BETWEEN 0 AND subtotal_minor),
    shipping_minor     bigint NOT NULL CHECK (shipping_minor >= 0),
    tax_minor          bigint NOT NULL CHECK (tax_minor >= 0),
    total_minor        bigint NOT NULL,
    document           json   NOT NULL,     -- lines, addresses, taxes, coupons, shipping option: as quoted
    payment_provider   text   NOT NULL,
    payment_method     text   NOT NULL,
    status             text   NOT NULL DEFAULT 'placed' CHECK (status IN (
                           'placed', 'payment_failed', 'action_required', 'cancelled', 'paid', 'booked', 'shipped',
                           'delivered', 'partially_refunded', 'refunded', 'disputed')),
    timeline_seq       int    NOT NULL DEFAULT 1,   -- entry 1, `placed`, is this row itself
    placed_at          timestamptz NOT NULL DEFAULT now(),
    payment_deadline   timestamptz NOT NULL,
    paid_at            timestamptz,
    cancelled_at       timestamptz,
    CONSTRAINT orders_claim UNIQUE (claim_id),
    CONSTRAINT orders_number UNIQUE (number),
    CONSTRAINT orders_total CHECK (total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor),
    CONSTRAINT orders_deadline CHECK (payment_deadline > placed_at),
    CONSTRAINT orders_paid CHECK ((status IN ('paid', 'booked', 'shipped', 'delivered', 'partially_refunded', 'refunded',
                           'disputed')) = (paid_at IS NOT NULL)),
    CONSTRAINT orders_cancelled CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
) WITH (fillfactor = 80);
-- One cart becomes one order; after a cancellation it may be ordered again.
CREATE UNIQUE INDEX orders_cart ON orders (cart_id) WHERE cart_id IS NOT NULL AND status <> 'cancelled';
CREATE INDEX orders_unpaid ON orders (payment_deadline) WHERE status IN ('placed', 'payment_failed', 'action_required');

-- Append-only: goods first, then one line for each redemption of a limited coupon. Written only by the statement that writes
-- the order, so a foreign key would prove what that statement does (8 of its 43 µs an order); the audit looks for orphans.
CREATE TABLE order_lines (
    order_id   uuid     NOT NULL,
    line_no    smallint NOT NULL CHECK (line_no > 0),
    item_id    bigint   NOT NULL,
    quantity   int      NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
    unit_minor bigint   NOT NULL CHECK (unit_minor >= 0),
    PRIMARY KEY (order_id, line_no)
);

CREATE TABLE stock_movements (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    movement_id    uuid NOT NULL UNIQUE,     -- names the cause, so that a repeated cause moves nothing twice
    item_id        bigint NOT NULL REFERENCES stock,
    kind           text NOT NULL CHECK (kind IN ('receipt', 'adjustment', 'release', 'reacquire', 'shipment', 'return')),
    on_hand_delta  int  NOT NULL DEFAULT 0,
    reserved_delta int  NOT NULL DEFAULT 0,
    order_id       uuid,
    location       text NOT NULL DEFAULT 'main',
    reason         text NOT NULL DEFAULT '',
    actor          text NOT NULL DEFAULT 'system',
    at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_movements_move CHECK (on_hand_delta <> 0 OR reserved_delta <> 0)
);
CREATE INDEX stock_movements_item ON stock_movements (item_id, id);
CREATE INDEX stock_movements_order ON stock_movements (order_id) WHERE order_id IS NOT NULL;

CREATE VIEW stock_ledger AS
    SELECT item_id, 'reservation' AS kind, 0 AS on_hand_delta, quantity AS reserved_delta, order_id FROM order_lines
    UNION ALL
    SELECT item_id, kind, on_hand_delta, reserved_delta, order_id FROM stock_movements;

CREATE TABLE order_events (
    order_id uuid NOT NULL REFERENCES orders,
    seq      int  NOT NULL CHECK (seq > 1),
    status   text NOT NULL,
    detail   json,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, seq)
);

-- The gate's epoch: scripts of another epoch are refused by the gate, orders of a lost gate go straight to Postgres.
CREATE TABLE gate_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    bigint NOT NULL,
    run_id   text NOT NULL DEFAULT '',       -- the server process that the epoch was built in
    built_at timestamptz,
    forgets_until timestamptz                -- until then a settled claim may be unknown to the gate
);
INSERT INTO gate_state (epoch) VALUES (0);

-- Items whose gate counter no longer follows from the claim protocol; the reconciler repairs them.
CREATE TABLE gate_suspects (
    item_id bigint PRIMARY KEY,
    since   timestamptz NOT NULL DEFAULT now()
);
