-- Prices that hold from one moment to another. `prices` stays what an offer costs now, the only table that checkouts read;
-- lists are put into it, and taken out again, by the relay at their times.

CREATE TABLE price_lists (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    owner_id   uuid REFERENCES accounts(id),
    status     text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running', 'over')),
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz CHECK (ends_at > starts_at),
    began_at   timestamptz,
    over_at    timestamptz,
    version    bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT price_lists_running CHECK (status <> 'running' OR (began_at IS NOT NULL AND ends_at IS NOT NULL)),
    CONSTRAINT price_lists_waiting CHECK (status <> 'waiting' OR began_at IS NULL),
    CONSTRAINT price_lists_over CHECK ((status = 'over') = (over_at IS NOT NULL))
);
COMMENT ON COLUMN price_lists.ends_at IS
    'NULL: from starts_at on these are the regular prices. Else they cover the regular prices until then.';
CREATE INDEX price_lists_to_begin ON price_lists (starts_at) WHERE status = 'waiting';
CREATE INDEX price_lists_to_end ON price_lists (ends_at) WHERE status = 'running';

CREATE TABLE price_list_entries (
    list_id          uuid   NOT NULL REFERENCES price_lists ON DELETE CASCADE,
    item_id          bigint NOT NULL REFERENCES variants ON DELETE CASCADE,
    currency         text   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor     bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 100000000000),
    compare_at_minor bigint CHECK (compare_at_minor BETWEEN 0 AND 100000000000),
    PRIMARY KEY (list_id, item_id, currency)
);
CREATE INDEX price_list_entries_item ON price_list_entries (item_id, currency);

-- While a list covers a price, the regular price waits beside it; NULL: without the list the SKU has no price there.
ALTER TABLE prices
    ADD COLUMN list_id uuid REFERENCES price_lists,
    ADD COLUMN regular_minor bigint CHECK (regular_minor BETWEEN 0 AND 100000000000),
    ADD COLUMN regular_compare_at_minor bigint CHECK (regular_compare_at_minor BETWEEN 0 AND 100000000000),
    ADD CONSTRAINT prices_regular_waits_under_a_list
        CHECK (list_id IS NOT NULL OR (regular_minor IS NULL AND regular_compare_at_minor IS NULL)),
    ADD CONSTRAINT prices_regular_is_whole CHECK (regular_minor IS NOT NULL OR regular_compare_at_minor IS NULL);
CREATE INDEX prices_list ON prices (list_id) WHERE list_id IS NOT NULL;

CREATE VIEW regular_prices AS
SELECT item_id, currency,
       CASE WHEN list_id IS NULL THEN amount_minor ELSE regular_minor END AS amount_minor,
       CASE WHEN list_id IS NULL THEN compare_at_minor ELSE regular_compare_at_minor END AS compare_at_minor
FROM prices WHERE list_id IS NULL OR regular_minor IS NOT NULL;
COMMENT ON VIEW regular_prices IS 'What people set and files carry: prices without the lists that cover them now.';
