-- Alerts, raised and cleared; one of a rule and subject at a time.
CREATE TABLE alerts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rule text NOT NULL,
  subject text NOT NULL,
  message text NOT NULL,
  raised_at timestamptz NOT NULL,
  cleared_at timestamptz,
  -- Channels that do not know its present state yet ('*' stands for all), those that do, and why an
  -- attempt failed.
  pending text[] NOT NULL,
  told text[] NOT NULL DEFAULT '{}',
  faults jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX alerts_active ON alerts (rule, subject) WHERE cleared_at IS NULL;
CREATE INDEX alerts_pending ON alerts (id) WHERE pending <> '{}';

-- How far the log was handed to another store.
CREATE TABLE log_forwards (
  endpoint text PRIMARY KEY,
  position bigint NOT NULL
);
