-- What happened, in order and for good. Each row's hash covers its content and the hash before it.
CREATE TABLE audit_log (
  -- 1, 2, 3 without a gap.
  id bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  action text NOT NULL,
  -- Who did it, what it was done to, and from where.
  actor text,
  subject text,
  address text,
  details jsonb NOT NULL DEFAULT '{}',
  previous bytea NOT NULL,
  hash bytea NOT NULL
);

-- The last row, so that one missing at the end is noticed; and how far the logger has them.
CREATE TABLE audit_head (id bigint NOT NULL, hash bytea NOT NULL, shipped bigint NOT NULL);
INSERT INTO audit_head VALUES (0, '\x', 0);

CREATE FUNCTION chain_audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE head audit_head;
BEGIN
  -- The lock of the events: a statement that writes both takes it once, whichever it writes first.
  PERFORM pg_advisory_xact_lock(7040001);
  SELECT * INTO head FROM audit_head FOR UPDATE;
  NEW.id := head.id + 1;
  NEW.at := date_trunc('milliseconds', NEW.at);
  NEW.previous := head.hash;
  NEW.hash := sha256(head.hash || convert_to(jsonb_build_array(
    NEW.id, to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), NEW.action,
    NEW.actor, NEW.subject, NEW.address, NEW.details)::text, 'UTF8'));
  UPDATE audit_head SET id = NEW.id, hash = NEW.hash;
  RETURN NEW;
END $$;

CREATE TRIGGER audit_log_chained BEFORE INSERT ON audit_log
  FOR EACH ROW EXECUTE FUNCTION chain_audit_row();

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only';
END $$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE FUNCTION notify_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('audit_log', '');
  RETURN NULL;
END $$;

CREATE TRIGGER audit_log_added AFTER INSERT ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION notify_audit_log();

-- Also when somebody changes a key by hand.
CREATE FUNCTION audit_signing_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_log (at, action, actor, subject) VALUES (
    clock_timestamp(),
    CASE TG_OP WHEN 'INSERT' THEN 'signing_key.added'
      WHEN 'DELETE' THEN 'signing_key.deleted' ELSE 'signing_key.changed' END,
    coalesce(nullif(current_setting('application_name'), ''), current_user),
    CASE TG_OP WHEN 'DELETE' THEN OLD.kid ELSE NEW.kid END);
  RETURN NULL;
END $$;

CREATE TRIGGER signing_keys_audited AFTER INSERT OR UPDATE OR DELETE ON signing_keys
  FOR EACH ROW EXECUTE FUNCTION audit_signing_key();
