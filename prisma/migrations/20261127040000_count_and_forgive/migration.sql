-- Counts an attempt like count_attempt. If none of the keys is used up, it also resets the counts of `reset_keys`, and
-- takes one attempt back from those of `returned_keys`: one round trip and one commit for what every sign-in does after
-- its password was proved. Rows are locked in the order in which others lock them: networks before accounts.
CREATE FUNCTION "count_and_forgive"(
  keys text[], max_counts int[], window_seconds int[], block_seconds int[], max_block_seconds int[], at timestamptz,
  reset_keys text[], returned_keys text[]
)
RETURNS TABLE (place int, ends_at timestamptz, fresh boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT c.place, c.ends_at, c.fresh
    FROM count_attempt(keys, max_counts, window_seconds, block_seconds, max_block_seconds, at) c;
  IF NOT FOUND THEN
    UPDATE rate_limits SET count = greatest(count - 1, 0) WHERE key = ANY(returned_keys);
    DELETE FROM rate_limits WHERE key = ANY(reset_keys);
  END IF;
END $$;
