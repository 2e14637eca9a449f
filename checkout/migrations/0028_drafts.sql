-- An order and a line of one as the committer sends them: one array of each a batch, encoded in one go (decision 0013).
CREATE TYPE draft_order AS (
    id uuid, claim_id uuid, fingerprint uuid,
    subtotal_minor bigint, discount_minor bigint, shipping_minor bigint, tax_minor bigint, total_minor bigint,
    account_id uuid, cart_id text, personal bytea, email_index bytea, country text, currency text,
    payment_provider text, payment_method text, document json
);
CREATE TYPE draft_line AS (
    order_id uuid, line_no smallint, item_id bigint, quantity int, unit_minor bigint, offer_version int
);
