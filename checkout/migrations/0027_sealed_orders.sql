-- Personal data of orders, invoices, labels and webhooks lies sealed in `personal` (checkout/kit/cipher.py), beside what is nobody's:
-- lines, taxes, sums. Rows from before stay plain until `checkout keys rotate` has come by; a row is plain or sealed. The version
-- before places orders as ever, and does not understand those of this one: replace relay and workers first, then serve.

ALTER TABLE orders
    ADD COLUMN personal    bytea,
    ADD COLUMN email_index bytea,
    ALTER COLUMN email DROP NOT NULL,
    ADD CONSTRAINT orders_sealed CHECK (num_nonnulls(email, personal) = 1 AND num_nonnulls(personal, email_index) <> 1);
CREATE INDEX orders_email_index ON orders (email_index) WHERE email_index IS NOT NULL;
DROP INDEX orders_email;
CREATE INDEX orders_email ON orders (lower(email)) WHERE email IS NOT NULL;

-- Archived months come back only in the shape of the table they left.
DO $$
DECLARE
    month text;
BEGIN
    FOR month IN SELECT name FROM order_months WHERE archived_at IS NOT NULL LOOP
        EXECUTE format('ALTER TABLE archive.%I ADD COLUMN personal bytea, ADD COLUMN email_index bytea,
                        ALTER COLUMN email DROP NOT NULL, ADD CONSTRAINT orders_sealed
                        CHECK (num_nonnulls(email, personal) = 1 AND num_nonnulls(personal, email_index) <> 1)',
                       'orders_' || month);
    END LOOP;
END $$;

-- Under which keys orders of archived months lie, which no rotation reaches; -1 is plain.
CREATE FUNCTION archived_by_key() RETURNS TABLE (key int, orders bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    month text;
BEGIN
    FOR month IN SELECT m.name FROM order_months m WHERE m.archived_at IS NOT NULL LOOP
        RETURN QUERY EXECUTE format(
            'SELECT CASE WHEN personal IS NULL THEN -1 ELSE get_byte(personal, 0) * 256 + get_byte(personal, 1) END, count(*)
             FROM archive.%I WHERE erased_at IS NULL GROUP BY 1', 'orders_' || month);
    END LOOP;
END $$;

-- `document` is then without buyer and e-mail, `pdf` empty: both lie in `personal`.
ALTER TABLE invoices
    ADD COLUMN personal bytea,
    ADD CONSTRAINT invoices_sealed CHECK (personal IS NULL OR pdf = '') NOT VALID;
ALTER TABLE invoices VALIDATE CONSTRAINT invoices_sealed;

ALTER TABLE shipments
    ADD COLUMN personal bytea,
    ADD CONSTRAINT shipments_sealed CHECK (personal IS NULL OR label_pdf IS NULL) NOT VALID;
ALTER TABLE shipments VALIDATE CONSTRAINT shipments_sealed;

ALTER TABLE webhook_inbox
    ADD COLUMN personal bytea,
    ALTER COLUMN payload DROP NOT NULL,
    ADD CONSTRAINT webhook_inbox_sealed CHECK (num_nonnulls(payload, personal) = 1) NOT VALID;
ALTER TABLE webhook_inbox VALIDATE CONSTRAINT webhook_inbox_sealed;
