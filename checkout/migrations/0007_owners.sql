-- Whose a product is: a vendor sees and changes only its own. NULL: the shop's.
ALTER TABLE products ADD COLUMN owner_id uuid REFERENCES accounts(id);
CREATE INDEX products_owner ON products (owner_id, id) WHERE owner_id IS NOT NULL;
-- Editable documents carry their version as ETag.
ALTER TABLE categories ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE coupons ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN version bigint NOT NULL DEFAULT 1;
