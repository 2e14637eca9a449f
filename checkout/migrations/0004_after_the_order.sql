-- Outbox, payments, webhook inbox, invoices, shipments, mails sent.

CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic        text NOT NULL,
    subject_id   uuid NOT NULL,
    payload      json,
    attempts     int  NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL DEFAULT now(),
    parked_at    timestamptz,
    last_error   text,
    CONSTRAINT outbox_parked_has_cause CHECK (parked_at IS NULL OR last_error IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX outbox_due ON outbox (topic, available_at, id) WHERE parked_at IS NULL;
CREATE INDEX outbox_parked ON outbox (parked_at) WHERE parked_at IS NOT NULL;
CREATE INDEX outbox_subject ON outbox (subject_id);

CREATE TABLE payments (
    id            uuid PRIMARY KEY,
    order_id      uuid NOT NULL REFERENCES orders,
    attempt       smallint NOT NULL CHECK (attempt > 0),
    provider      text NOT NULL,
    method        text NOT NULL,
    provider_ref  text,
    amount_minor  bigint NOT NULL CHECK (amount_minor >= 0),
    refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    currency      text NOT NULL,
    status        text NOT NULL CHECK (status IN ('pending', 'action_required', 'succeeded', 'declined', 'voided', 'refunded')),
    client_secret text,
    action_url    text,
    decline_code  text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    settled_at    timestamptz,
    UNIQUE (order_id, attempt),
    CONSTRAINT payments_settled CHECK ((status IN ('succeeded', 'refunded')) = (settled_at IS NOT NULL)),
    CONSTRAINT payments_decline CHECK ((status = 'declined') = (decline_code IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payments_one_success ON payments (order_id) WHERE status = 'succeeded';
CREATE UNIQUE INDEX payments_ref ON payments (provider, provider_ref) WHERE provider_ref IS NOT NULL;

CREATE TABLE webhook_inbox (
    id          uuid PRIMARY KEY,
    provider    text NOT NULL,
    event_id    text NOT NULL,
    kind        text NOT NULL,
    payload     json NOT NULL,
    status      text NOT NULL DEFAULT 'received' CHECK (status IN ('received', 'applied', 'ignored', 'parked')),
    order_id    uuid,
    received_at timestamptz NOT NULL DEFAULT now(),
    handled_at  timestamptz,
    UNIQUE (provider, event_id),
    CONSTRAINT webhook_inbox_handled CHECK ((status IN ('applied', 'ignored')) = (handled_at IS NOT NULL))
);
CREATE INDEX webhook_inbox_open ON webhook_inbox (received_at) WHERE status IN ('received', 'parked');

CREATE TABLE invoice_series (
    series      text PRIMARY KEY,
    next_number bigint NOT NULL DEFAULT 1 CHECK (next_number > 0)
);

CREATE TABLE invoices (
    id        uuid PRIMARY KEY,
    series    text NOT NULL REFERENCES invoice_series,
    number    bigint NOT NULL CHECK (number > 0),
    order_id  uuid NOT NULL UNIQUE REFERENCES orders,
    issued_at timestamptz NOT NULL DEFAULT now(),
    document  json  NOT NULL,
    pdf       bytea NOT NULL,
    UNIQUE (series, number)
);

CREATE TABLE shipments (
    id              uuid PRIMARY KEY,
    order_id        uuid NOT NULL UNIQUE REFERENCES orders,
    carrier         text NOT NULL,
    tracking_number text NOT NULL,
    label_pdf       bytea,
    status          text NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'in_transit', 'delivered', 'cancelled')),
    booked_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (carrier, tracking_number)
);

CREATE TABLE notifications_sent (
    order_id   uuid NOT NULL REFERENCES orders,
    kind       text NOT NULL,
    channel    text NOT NULL DEFAULT 'email',
    message_id text NOT NULL,
    sent_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, kind, channel)
);
