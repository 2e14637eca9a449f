-- What the attributes of products may be, and categories that tell the caches of their changes.

CREATE TABLE attributes (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_ -]{0,63}$'),
    type       text NOT NULL CHECK (type IN ('text', 'number', 'boolean', 'enum')),
    unit       text NOT NULL DEFAULT '' CHECK (length(unit) <= 32),
    options    text[] NOT NULL DEFAULT '{}',
    facet      boolean NOT NULL DEFAULT true,
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT attributes_enum_has_options CHECK ((type = 'enum') = (cardinality(options) > 0)),
    CONSTRAINT attributes_unit_is_a_numbers CHECK (unit = '' OR type = 'number')
);
COMMENT ON TABLE attributes IS
    'Definitions. products.attributes holds texts; where a name is defined here, the text has its form. facet: listings count it.';

-- 'lists' in the catalogue's channel: no product changed, and every list may have.
CREATE FUNCTION lists_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM pg_notify('catalog', 'lists');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER attributes_inserted AFTER INSERT ON attributes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();
CREATE TRIGGER attributes_updated AFTER UPDATE ON attributes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();
CREATE TRIGGER attributes_deleted AFTER DELETE ON attributes REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();
CREATE TRIGGER categories_inserted AFTER INSERT ON categories REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lists_changed();

-- A category's name stands in the documents of its products.
CREATE FUNCTION categories_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM pg_notify('catalog', 'lists');
        PERFORM notify_catalog(ARRAY(SELECT DISTINCT product_id FROM product_categories
                                     WHERE category_id IN (SELECT id FROM changed) LIMIT 51));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER categories_updated AFTER UPDATE ON categories REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION categories_updated();

CREATE FUNCTION categories_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        PERFORM pg_notify('catalog', '*'); -- its memberships are gone already: nobody knows whose documents named it
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER categories_deleted AFTER DELETE ON categories REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION categories_deleted();
CREATE INDEX categories_parent ON categories (parent_id);
