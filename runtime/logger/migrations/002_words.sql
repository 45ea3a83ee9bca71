-- What is asked for has an index, and nothing else: each costs bytes and time of every line.
ALTER TABLE log_entries DROP CONSTRAINT log_entries_pkey;
CREATE INDEX idx_log_id ON log_entries (id);
DROP INDEX idx_log_timestamp;
CREATE INDEX idx_log_timestamp ON log_entries (timestamp);
DROP INDEX idx_log_level_timestamp;
-- The other lines of level INFO are found soon enough by their time: most are.
CREATE INDEX idx_log_level_timestamp ON log_entries (level, timestamp) WHERE level <> 'INFO';
DROP INDEX idx_log_user_id;

-- The words of some lines that were stored together, of one day: a full text index with a row for a
-- hundred lines (decision 15). The numbers of the lines are between first_id and last_id.
CREATE TABLE log_words (
  first_id bigint NOT NULL,
  last_id bigint NOT NULL,
  first_time timestamp NOT NULL,
  last_time timestamp NOT NULL,
  words tsvector NOT NULL
) PARTITION BY RANGE (last_time);

-- New rows wait in a list that is searched, too; the logger sorts it in (words.ts), not the writer.
CREATE INDEX idx_log_words ON log_words USING gin (words) WITH (gin_pending_list_limit = 65536);

CREATE TABLE log_words_default PARTITION OF log_words DEFAULT;

-- Every partition of log_entries has one of words beside it.
DO $$
DECLARE
  name text;
  day text;
BEGIN
  FOR name IN
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'log_entries'::regclass AND relname ~ '^log_entries_\d{8}$'
  LOOP
    day := right(name, 8);
    EXECUTE format('CREATE TABLE %I PARTITION OF log_words FOR VALUES FROM (%L) TO (%L)',
      'log_words_' || day, day::date, day::date + 1);
  END LOOP;
END $$;

INSERT INTO log_words
SELECT min(id), max(id), min(timestamp), max(timestamp), array_to_tsvector(array_agg(DISTINCT word))
FROM log_entries,
  regexp_split_to_table(lower(message), '[^[:alnum:]]+') AS split (part), left(part, 64) AS word
WHERE word <> ''
GROUP BY timestamp::date, id / 128;
