-- Publication at a time, variants that are not sold any more, and quotes that stay good when nothing they rest on changed.

-- A draft may wait for its moment: the relay publishes it then, by Postgres's clock.
ALTER TABLE products ADD COLUMN publish_at timestamptz;
ALTER TABLE products ADD CONSTRAINT products_publish_at_is_a_drafts CHECK (publish_at IS NULL OR status = 'draft');
CREATE INDEX products_publish_at ON products (publish_at) WHERE publish_at IS NOT NULL;

-- A variant that was stocked or ordered keeps its row for orders and ledger. Archived, it is in no offer, and no document for
-- shoppers: whatever reads variants for them leaves these out.
ALTER TABLE variants ADD COLUMN archived_at timestamptz;

-- Admins look for products by how slug, title or SKU begin.
CREATE INDEX products_slug_prefix ON products (slug text_pattern_ops);
CREATE INDEX products_title_prefix ON products (lower(title) text_pattern_ops);
CREATE INDEX variants_sku_prefix ON variants (sku text_pattern_ops);

-- An edit of a description changes documents, and no offer: only what an offer holds makes quotes stale.
CREATE FUNCTION products_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ids uuid[]; offered uuid[];
BEGIN
    SELECT array_agg(c.id),
           array_agg(c.id) FILTER (WHERE (b.slug, b.title, b.status, b.tax_class)
                                         IS DISTINCT FROM (c.slug, c.title, c.status, c.tax_class))
    INTO ids, offered FROM changed c JOIN old_rows b USING (id);
    IF offered IS NOT NULL THEN
        PERFORM bump_offers(ARRAY(SELECT item_id FROM variants WHERE product_id = ANY (offered)));
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM notify_catalog(ids);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER products_updated ON products;
CREATE TRIGGER products_updated AFTER UPDATE ON products REFERENCING OLD TABLE AS old_rows NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION products_updated();
CREATE TRIGGER variants_deleted AFTER DELETE ON variants REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION variants_changed();
