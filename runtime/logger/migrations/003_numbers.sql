-- Several transactions store entries at the same time, so that numbers do not appear in their order.
-- Who takes numbers says so by a lock that others may hold as well and that ends with the transaction:
-- its second key is the number that was the last one until then.
CREATE FUNCTION log_numbers(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  first bigint;
BEGIN
  PERFORM pg_advisory_lock(2384510978);
  PERFORM pg_advisory_xact_lock_shared(384510978, 
    ((last_value - (NOT is_called)::integer) & 2147483647)::integer)
    FROM log_entries_id_seq;
  first := nextval('log_entries_id_seq');
  PERFORM setval('log_entries_id_seq', first + wanted - 1);
  PERFORM pg_advisory_unlock(2384510978);
  RETURN first;
END $$;

-- Every entry up to this number is there or never will be. Ask in a statement before the one that reads.
CREATE FUNCTION log_horizon() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  newest bigint;
  oldest bigint;
BEGIN
  SELECT last_value - (NOT is_called)::integer INTO newest FROM log_entries_id_seq;
  -- Only then, as whoever is not seen here takes its numbers after that one.
  SELECT newest - max(behind) INTO oldest
  FROM pg_locks, LATERAL (SELECT (newest - objid::bigint) & 2147483647) AS distance (behind)
  WHERE locktype = 'advisory' AND classid = 384510978 AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    -- Keys are cut to 31 bits; what looks far behind is ahead.
    AND behind < 1073741824;
  RETURN least(newest, oldest);
END $$;
