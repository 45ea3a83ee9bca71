ALTER TABLE sessions
  -- Keycloak's id of its own session (`sid`), by which it tells that it has ended.
  ADD COLUMN keycloak_session text,
  ADD COLUMN seen_at timestamptz,
  -- Ends then unless it is used before; null: only expires_at counts.
  ADD COLUMN idle_until timestamptz,
  -- Made by hand, not by a sign-in.
  ADD COLUMN minted boolean NOT NULL DEFAULT false;

UPDATE sessions SET seen_at = checked_at;

CREATE INDEX sessions_subject ON sessions ((user_data->>'sub'));
CREATE INDEX sessions_keycloak_session ON sessions (keycloak_session);

-- Logout tokens are good once (OpenID Connect Back-Channel Logout 1.0, 2.6).
CREATE TABLE logout_tokens (jti text PRIMARY KEY, expires_at timestamptz NOT NULL);
