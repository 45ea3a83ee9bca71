-- Keys that sign tokens. Only the private part is secret, so only that is sealed.
CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  public_key jsonb NOT NULL,
  private_key bytea NOT NULL,
  created_at timestamptz NOT NULL,
  -- Nothing is signed with it from here on; it is published until its last token has expired.
  retired_at timestamptz
);

CREATE FUNCTION notify_signing_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('signing_keys', '');
  RETURN NULL;
END $$;

-- Also when somebody retires a key by hand.
CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE ON signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION notify_signing_keys();

CREATE TABLE sessions (
  -- `jti` of the tokens: what backends see. The cookie is another secret, and only its hash is here.
  id text PRIMARY KEY,
  cookie_hash bytea UNIQUE,
  user_data jsonb NOT NULL,
  address text,
  agent text,
  token bytea,
  token_kid text,
  token_expires_at timestamptz,
  refresh_token bytea,
  id_token bytea,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- When Keycloak last vouched for the user.
  checked_at timestamptz NOT NULL,
  checks integer NOT NULL DEFAULT 0,
  -- One process at a time asks Keycloak; by the database's clock.
  leased_until timestamptz,
  -- Kept until it would have expired: revoking twice is no error.
  ended_at timestamptz
);

CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE events (
  id bigserial PRIMARY KEY,
  type text NOT NULL,
  session text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE INDEX events_created_at ON events (created_at);

-- Up to which number events may be gone.
CREATE TABLE event_horizon (id bigint NOT NULL);
INSERT INTO event_horizon VALUES (0);

-- Numbers are drawn after the lock is taken, so they become visible in their order: whoever has
-- seen one has missed none below it.
CREATE FUNCTION order_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7040001);
  RETURN NULL;
END $$;

CREATE TRIGGER events_ordered BEFORE INSERT ON events
  FOR EACH STATEMENT EXECUTE FUNCTION order_events();

CREATE FUNCTION notify_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('events', '');
  RETURN NULL;
END $$;

CREATE TRIGGER events_added AFTER INSERT ON events
  FOR EACH ROW EXECUTE FUNCTION notify_events();
