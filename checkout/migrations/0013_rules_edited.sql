-- Shipping zones are edited as documents: their version is the ETag.
ALTER TABLE shipping_zones ADD COLUMN version bigint NOT NULL DEFAULT 1;
