-- Personal data of accounts lies sealed in `personal` (checkout/kit/cipher.py); an address is found by `email_index`, a keyed hash.
-- Rows from before stay as they are until they are written again, or `checkout keys rotate` has come by. A row is either plain or
-- sealed. The version before does not find accounts that this one has written: replace it everywhere at once.

ALTER TABLE accounts
    ADD COLUMN personal    bytea,
    ADD COLUMN email_index bytea,
    ALTER COLUMN email DROP NOT NULL,
    ADD CONSTRAINT accounts_sealed CHECK (
        num_nonnulls(email, personal) = 1 AND num_nonnulls(personal, email_index) <> 1
        AND (personal IS NULL OR profile::text = '{}')) NOT VALID;
ALTER TABLE accounts VALIDATE CONSTRAINT accounts_sealed;
CREATE UNIQUE INDEX accounts_email_index ON accounts (email_index);

ALTER TABLE addresses
    ADD COLUMN personal bytea,
    ALTER COLUMN document DROP NOT NULL,
    ADD CONSTRAINT addresses_sealed CHECK (num_nonnulls(document, personal) = 1) NOT VALID;
ALTER TABLE addresses VALIDATE CONSTRAINT addresses_sealed;

ALTER TABLE second_factors
    ADD COLUMN personal bytea,
    ALTER COLUMN secret DROP NOT NULL,
    ADD CONSTRAINT second_factors_sealed CHECK (num_nonnulls(secret, personal) = 1) NOT VALID;
ALTER TABLE second_factors VALIDATE CONSTRAINT second_factors_sealed;

ALTER TABLE account_requests
    ADD COLUMN personal    bytea,
    ADD COLUMN email_index bytea,
    ALTER COLUMN email DROP NOT NULL,
    ADD CONSTRAINT account_requests_sealed CHECK (
        num_nonnulls(email, personal) = 1 AND num_nonnulls(personal, email_index) <> 1
        AND (personal IS NULL OR document::text = '{}')) NOT VALID;
ALTER TABLE account_requests VALIDATE CONSTRAINT account_requests_sealed;
CREATE INDEX account_requests_email_index ON account_requests (email_index);
