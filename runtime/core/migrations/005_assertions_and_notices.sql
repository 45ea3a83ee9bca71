-- Assertions of callers are good once (RFC 7523, 3).
CREATE TABLE client_assertions (
  caller text NOT NULL,
  jti text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (caller, jti)
);

-- Whoever keeps a session in memory hears of every change of it, also of one made by hand.
CREATE FUNCTION notify_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('sessions', OLD.id);
  RETURN NULL;
END $$;

CREATE TRIGGER session_deleted AFTER DELETE ON sessions
  FOR EACH ROW WHEN (OLD.ended_at IS NULL) EXECUTE FUNCTION notify_session();

CREATE TRIGGER session_changed AFTER UPDATE ON sessions
  FOR EACH ROW WHEN (
    OLD.ended_at IS DISTINCT FROM NEW.ended_at OR OLD.user_data IS DISTINCT FROM NEW.user_data
    OR NEW.expires_at < OLD.expires_at OR NEW.idle_until < OLD.idle_until)
  EXECUTE FUNCTION notify_session();

CREATE FUNCTION notify_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('sessions', '');
  RETURN NULL;
END $$;

CREATE TRIGGER sessions_truncated AFTER TRUNCATE ON sessions
  FOR EACH STATEMENT EXECUTE FUNCTION notify_sessions();
