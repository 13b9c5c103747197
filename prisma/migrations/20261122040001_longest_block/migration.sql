-- As before, with the longest block of each key as an argument. Replicas of the version before call the function with
-- five arguments, which stays.
--
-- Counts an attempt on each of the keys, in their order, and stops at the first that is used up: returns its place
-- from 1, until when it is blocked, and whether this attempt blocked it. Returns no row if the attempt may go on.
-- `max_counts` attempts of a window are free; the next blocks the key for `block_seconds`. After a block one attempt
-- is free, and the block after that lasts twice as long, up to `max_block_seconds`. If any of the keys is already
-- blocked, nothing is counted, written or locked. Otherwise the row lock makes parallel attempts queue, so none is
-- missed.
CREATE FUNCTION "count_attempt"(
  keys text[], max_counts int[], window_seconds int[], block_seconds int[], max_block_seconds int[], at timestamptz
)
RETURNS TABLE (place int, ends_at timestamptz, fresh boolean) LANGUAGE plpgsql AS $$
DECLARE
  r rate_limits%ROWTYPE;
  win interval;
  blocked timestamptz;
BEGIN
  FOR i IN 1 .. array_length(keys, 1) LOOP
    SELECT l.blocked_until INTO blocked FROM rate_limits l WHERE l.key = keys[i] AND l.blocked_until > at;
    IF FOUND THEN
      RETURN QUERY SELECT i, blocked, false;
      RETURN;
    END IF;
  END LOOP;
  -- The row stays locked until the commit, which therefore does not wait for the disk. If PostgreSQL itself crashes,
  -- the attempts of its last fraction of a second are free again.
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR i IN 1 .. array_length(keys, 1) LOOP
    win := make_interval(secs => window_seconds[i]);
    LOOP
      INSERT INTO rate_limits (key, count, window_ends_at, blocks) VALUES (keys[i], 0, at + win, 0)
      ON CONFLICT (key) DO NOTHING;
      SELECT * INTO r FROM rate_limits WHERE key = keys[i] FOR UPDATE;
      -- Not found: deleted in between as expired.
      EXIT WHEN FOUND;
    END LOOP;
    -- Blocked since the first look.
    IF r.blocked_until > at THEN
      RETURN QUERY SELECT i, r.blocked_until, false;
      RETURN;
    END IF;
    IF r.window_ends_at <= at THEN
      r.count := 0;
      r.blocks := 0;
      r.window_ends_at := at + win;
    END IF;
    IF r.count < max_counts[i] THEN
      UPDATE rate_limits SET count = r.count + 1, window_ends_at = r.window_ends_at, blocks = r.blocks, blocked_until = NULL
      WHERE key = keys[i];
    ELSE
      r.blocked_until := at + make_interval(secs => least(block_seconds[i] * 2 ^ least(r.blocks, 20), max_block_seconds[i]));
      UPDATE rate_limits SET count = max_counts[i] - 1, window_ends_at = r.blocked_until + win, blocks = r.blocks + 1,
        blocked_until = r.blocked_until
      WHERE key = keys[i];
      RETURN QUERY SELECT i, r.blocked_until, true;
      RETURN;
    END IF;
  END LOOP;
END $$;
