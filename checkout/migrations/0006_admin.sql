-- Requests of admins that carry an Idempotency-Key: the key's hash, what was asked, what was answered; written with the effect.
CREATE TABLE admin_requests (
    key         uuid PRIMARY KEY,
    fingerprint uuid NOT NULL,
    answer      json NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);
