-- Roles and API keys: who may do what, as rows. Every change tells all processes over the channel `access`.

CREATE TABLE roles (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{1,31}$'),
    title       text NOT NULL DEFAULT '' CHECK (length(title) <= 200),
    permissions text[] NOT NULL CHECK (
                    array_to_string(permissions, ' ', '?') ~ '^((all|own):(\*|[a-z]+(-[a-z]+)*):(\*|[a-z]+(-[a-z]+)*)( (?=.)|$))*$'),
    built_in    boolean NOT NULL DEFAULT false,
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT roles_admin_may_all CHECK (name <> 'admin' OR permissions = ARRAY['all:*:*'])
);
COMMENT ON TABLE roles IS
    'What the accounts of each role may do, as scope:resource:action. A piece that adds a permission for a built-in role adds it here.';

INSERT INTO roles (name, title, built_in, permissions) VALUES
    ('customer', 'Shopper', true, '{}'),
    ('vendor', 'Vendor: own products, stock and order lines', true, ARRAY[
        'own:api-keys:read', 'own:api-keys:write', 'own:exports:read', 'own:imports:read', 'own:imports:write',
        'own:orders:read', 'own:products:read', 'own:products:write', 'own:stock:read', 'own:stock:write']),
    ('support', 'Support: reads most, works on orders and reviews', true, ARRAY[
        'all:coupons:read', 'all:dead-letters:read', 'all:orders:read', 'all:orders:write', 'all:products:read',
        'all:reviews:read', 'all:reviews:write', 'all:stats:read', 'all:stock:read', 'all:users:read']),
    ('admin', 'Administrator', true, ARRAY['all:*:*']);

ALTER TABLE accounts DROP CONSTRAINT accounts_role_check;
ALTER TABLE accounts ADD CONSTRAINT accounts_role FOREIGN KEY (role) REFERENCES roles (name);
CREATE INDEX accounts_by_role ON accounts (role, id);

-- A shop never loses its last admin, whoever tries: under one lock, so that two who leave at once see each other.
CREATE FUNCTION keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7237003);
    IF NOT EXISTS (SELECT FROM accounts WHERE role = 'admin' AND disabled_at IS NULL AND id <> OLD.id) THEN
        RAISE EXCEPTION 'the last admin stays one' USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_last_admin';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER accounts_admin_changed BEFORE UPDATE OF role, disabled_at ON accounts FOR EACH ROW
    WHEN (OLD.role = 'admin' AND OLD.disabled_at IS NULL AND (NEW.role <> 'admin' OR NEW.disabled_at IS NOT NULL))
    EXECUTE FUNCTION keep_an_admin();
CREATE TRIGGER accounts_admin_deleted BEFORE DELETE ON accounts FOR EACH ROW
    WHEN (OLD.role = 'admin' AND OLD.disabled_at IS NULL) EXECUTE FUNCTION keep_an_admin();

CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    prefix       text NOT NULL,            -- the key's first characters, by which people tell keys apart
    digest       bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    permissions  text[] NOT NULL CHECK (cardinality(permissions) > 0),
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz               -- noted at most once a minute
);
CREATE INDEX api_keys_account ON api_keys (account_id, id);

CREATE FUNCTION access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('access', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE TRIGGER roles_access AFTER INSERT OR UPDATE OR DELETE ON roles
    FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER api_keys_access AFTER DELETE OR UPDATE OF permissions, expires_at, revoked_at ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
-- What a key may do ends with what its account may do.
CREATE TRIGGER accounts_access AFTER UPDATE OF role, disabled_at ON accounts FOR EACH ROW
    WHEN (OLD.role <> NEW.role OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at) EXECUTE FUNCTION access_changed();

-- The audit log is only ever added to.
CREATE FUNCTION audit_log_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_stays();
CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_action ON audit_log (action, id);
CREATE INDEX audit_log_subject ON audit_log (subject, id);
CREATE INDEX audit_log_at ON audit_log USING brin (at);
