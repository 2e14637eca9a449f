-- What buyers say of products, and what it comes to.

CREATE TABLE reviews (
    id           uuid PRIMARY KEY,
    product_id   uuid NOT NULL REFERENCES products,
    account_id   uuid REFERENCES accounts ON DELETE SET NULL,   -- NULL: the account was erased, and the author's name with it
    stars        smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    title        text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    body         text NOT NULL DEFAULT '' CHECK (length(body) <= 5000),
    author       text NOT NULL DEFAULT '' CHECK (length(author) <= 40),
    status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected')),
    reason       text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    moderated_at timestamptz,
    moderated_by text,
    CONSTRAINT reviews_one_each UNIQUE (product_id, account_id),
    CONSTRAINT reviews_moderated CHECK ((status = 'pending') = (moderated_at IS NULL)
                                        AND (moderated_at IS NULL) = (moderated_by IS NULL)),
    CONSTRAINT reviews_rejected_for_a_reason CHECK ((status = 'rejected') = (reason <> ''))
);
CREATE INDEX reviews_public ON reviews (product_id, created_at DESC, id) WHERE status = 'approved';
CREATE INDEX reviews_queue ON reviews (status, created_at, id);
CREATE INDEX reviews_account ON reviews (account_id) WHERE account_id IS NOT NULL;

CREATE FUNCTION reviews_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.author := '';
    RETURN NEW;
END $$;
CREATE TRIGGER reviews_erased BEFORE UPDATE OF account_id ON reviews
    FOR EACH ROW WHEN (NEW.account_id IS NULL) EXECUTE FUNCTION reviews_erased();

-- Erasing an account takes its name off its reviews; what they say of the product stays.
CREATE FUNCTION account_erased_reviews() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reviews SET account_id = NULL WHERE account_id = NEW.account_id;
    RETURN NULL;
END $$;
CREATE TRIGGER erased_accounts_reviews AFTER INSERT ON erased_accounts
    FOR EACH ROW EXECUTE FUNCTION account_erased_reviews();

-- How many approved reviews give each number of stars. In the order by rating three reviews of 3.5 stars are added, so that one
-- friend's five stars do not outdo a hundred buyers' four and a half.
CREATE TABLE product_ratings (
    product_id uuid PRIMARY KEY REFERENCES products,
    stars_1    int NOT NULL DEFAULT 0 CHECK (stars_1 >= 0),
    stars_2    int NOT NULL DEFAULT 0 CHECK (stars_2 >= 0),
    stars_3    int NOT NULL DEFAULT 0 CHECK (stars_3 >= 0),
    stars_4    int NOT NULL DEFAULT 0 CHECK (stars_4 >= 0),
    stars_5    int NOT NULL DEFAULT 0 CHECK (stars_5 >= 0),
    reviews    int NOT NULL GENERATED ALWAYS AS (stars_1 + stars_2 + stars_3 + stars_4 + stars_5) STORED,
    stars      bigint NOT NULL GENERATED ALWAYS AS
                   (stars_1 + 2 * stars_2 + 3 * stars_3 + 4 * stars_4 + 5 * stars_5) STORED,
    rating_key int NOT NULL GENERATED ALWAYS AS
                   (CASE WHEN stars_1 + stars_2 + stars_3 + stars_4 + stars_5 = 0 THEN 0 ELSE
                        ((stars_1 + 2 * stars_2 + 3 * stars_3 + 4 * stars_4 + 5 * stars_5) * 1000 + 10500)
                        / (stars_1 + stars_2 + stars_3 + stars_4 + stars_5 + 3) END) STORED
);

CREATE FUNCTION rate_product(rated uuid, given int, change int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO product_ratings (product_id) VALUES (rated) ON CONFLICT DO NOTHING;
    UPDATE product_ratings SET
        stars_1 = stars_1 + CASE given WHEN 1 THEN change ELSE 0 END,
        stars_2 = stars_2 + CASE given WHEN 2 THEN change ELSE 0 END,
        stars_3 = stars_3 + CASE given WHEN 3 THEN change ELSE 0 END,
        stars_4 = stars_4 + CASE given WHEN 4 THEN change ELSE 0 END,
        stars_5 = stars_5 + CASE given WHEN 5 THEN change ELSE 0 END
    WHERE product_id = rated;
END $$;

-- Whatever changes a review keeps the counts, in its own transaction, and tells the catalogue.
CREATE FUNCTION reviews_rated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF OLD.status = 'approved' THEN
            PERFORM rate_product(OLD.product_id, OLD.stars, -1);
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF NEW.status = 'approved' THEN
            PERFORM rate_product(NEW.product_id, NEW.stars, 1);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reviews_rated AFTER INSERT OR UPDATE OR DELETE ON reviews FOR EACH ROW EXECUTE FUNCTION reviews_rated();

CREATE FUNCTION ratings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE product_search SET rating_key = NEW.rating_key
    WHERE product_id = NEW.product_id AND rating_key <> NEW.rating_key;
    PERFORM notify_catalog(ARRAY[NEW.product_id]);
    RETURN NULL;
END $$;
CREATE TRIGGER ratings_changed AFTER UPDATE ON product_ratings FOR EACH ROW EXECUTE FUNCTION ratings_changed();

-- A product that comes back into the listings brings its rating; whoever changes it just now is waited for.
CREATE FUNCTION search_rated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT r.rating_key INTO NEW.rating_key FROM product_ratings r WHERE r.product_id = NEW.product_id FOR SHARE;
    NEW.rating_key := coalesce(NEW.rating_key, 0);
    RETURN NEW;
END $$;
CREATE TRIGGER product_search_rated BEFORE INSERT ON product_search FOR EACH ROW EXECUTE FUNCTION search_rated();
