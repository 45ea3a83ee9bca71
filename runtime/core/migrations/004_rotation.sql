-- A key is published from the start, but signs only from here on: others keep what they have fetched.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz NOT NULL DEFAULT 'epoch';
