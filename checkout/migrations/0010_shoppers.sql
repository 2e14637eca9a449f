-- Accounts of shoppers: profile, addresses, sessions that can be ended, a second factor, and what is settled by mail.

ALTER TABLE accounts
    ADD COLUMN verified_at timestamptz,             -- a link that was sent to the address came back
    ADD COLUMN profile     json NOT NULL DEFAULT '{}',
    ADD COLUMN consents    json NOT NULL DEFAULT '{}';

CREATE TABLE addresses (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    document   json NOT NULL,
    is_default boolean NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX addresses_account ON addresses (account_id, id);
CREATE UNIQUE INDEX addresses_one_default ON addresses (account_id) WHERE is_default;

-- Sessions take the place of refresh_tokens, which a server of the version before still uses while it is replaced.
CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    generation   integer NOT NULL DEFAULT 1 CHECK (generation > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    renewed_at   timestamptz NOT NULL DEFAULT now(),
    access_until timestamptz NOT NULL,              -- when the newest access token runs out
    expires_at   timestamptz NOT NULL,
    CONSTRAINT sessions_outlive_access CHECK (expires_at > access_until)
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expire ON sessions (expires_at);

-- Sessions that were ended while an access token of theirs was still good: what servers that missed the news read.
CREATE TABLE ended_sessions (
    session_id uuid PRIMARY KEY,
    until      timestamptz NOT NULL
);

-- Whatever deletes a session, its access tokens end too: every server hears of it.
CREATE FUNCTION sessions_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ended_sessions (session_id, until) SELECT id, access_until FROM gone WHERE access_until > now()
    ON CONFLICT DO NOTHING;
    PERFORM pg_notify('sessions', id::text) FROM gone WHERE access_until > now();
    RETURN NULL;
END $$;
CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION sessions_ended();

-- Whoever disables an account or changes its role need not think of its sessions.
CREATE FUNCTION account_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM sessions WHERE account_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_changed AFTER UPDATE OF role, disabled_at ON accounts FOR EACH ROW
    WHEN (OLD.role IS DISTINCT FROM NEW.role OR (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL))
    EXECUTE FUNCTION account_changed();

CREATE TABLE second_factors (
    account_id   uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    secret       bytea NOT NULL,
    confirmed_at timestamptz,
    last_step    bigint NOT NULL DEFAULT 0,         -- codes of this step and before are used up
    recovery     bytea[] NOT NULL DEFAULT '{}'      -- digests
);

-- What somebody who gave an address asked for, and only whoever reads that address's mail may finish.
CREATE TABLE account_requests (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('registration', 'password_reset', 'password_changed')),
    email      text NOT NULL,
    document   json NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    told_at    timestamptz
);
CREATE INDEX account_requests_email ON account_requests (lower(email));
CREATE INDEX account_requests_expire ON account_requests (expires_at);

-- The open cart of an account, one a currency.
CREATE TABLE account_carts (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    cart_id    text NOT NULL,
    PRIMARY KEY (account_id, currency)
);
CREATE INDEX carts_account ON carts (account_id) WHERE account_id IS NOT NULL;
ALTER TABLE carts DROP CONSTRAINT carts_status_check;
ALTER TABLE carts ADD CONSTRAINT carts_status_check CHECK (status IN ('open', 'ordered', 'merged')) NOT VALID;
ALTER TABLE carts VALIDATE CONSTRAINT carts_status_check;

-- Orders by account, and by the address of a guest who signs in later.
CREATE INDEX orders_account ON orders (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX orders_email ON orders (lower(email));

-- Who was erased: their orders' personal data goes when the law lets it go.
CREATE TABLE erased_accounts (
    account_id uuid PRIMARY KEY,
    erased_at  timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE orders ADD COLUMN erased_at timestamptz;
