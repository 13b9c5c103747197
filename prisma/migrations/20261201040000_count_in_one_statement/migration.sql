-- As before, with one statement for each key instead of three, because every sign-in counts four keys.
--
-- Counts an attempt on each of the keys, in their order, and stops at the first that is used up: returns its place
-- from 1, until when it is blocked, and whether this attempt blocked it. Returns no row if the attempt may go on.
-- `max_counts` attempts of a window are free; the next blocks the key for `block_seconds`. After a block one attempt
-- is free, and the block after that lasts twice as long, up to `max_block_seconds`. If any of the keys is already
-- blocked, nothing is counted, written or locked. Otherwise the row lock makes parallel attempts queue, so none is
-- missed.
CREATE OR REPLACE FUNCTION "count_attempt"(
  keys text[], max_counts int[], window_seconds int[], block_seconds int[], max_block_seconds int[], at timestamptz
)
RETURNS TABLE (place int, ends_at timestamptz, fresh boolean) LANGUAGE plpgsql ROWS 1 AS $$
DECLARE
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
    -- The state of the row: 0 in a window that has ended, 1 with free attempts, 2 used up. A window that has ended
    -- starts anew; of one that is used up, the block starts.
    INSERT INTO rate_limits AS l (key, count, window_ends_at, blocks) VALUES (keys[i], 1, at + win, 0)
    ON CONFLICT (key) DO UPDATE SET (count, window_ends_at, blocks, blocked_until) = (
      SELECT
        CASE s.state WHEN 0 THEN 1 WHEN 1 THEN l.count + 1 ELSE max_counts[i] - 1 END,
        CASE s.state WHEN 0 THEN at + win WHEN 1 THEN l.window_ends_at ELSE s.ends + win END,
        CASE s.state WHEN 0 THEN 0 WHEN 1 THEN l.blocks ELSE l.blocks + 1 END,
        CASE s.state WHEN 2 THEN s.ends END
      FROM (SELECT
        CASE WHEN l.window_ends_at <= at THEN 0 WHEN l.count < max_counts[i] THEN 1 ELSE 2 END AS state,
        at + make_interval(secs => least(block_seconds[i] * 2 ^ least(l.blocks, 20), max_block_seconds[i])) AS ends
      ) s
    )
    WHERE l.blocked_until IS NULL OR l.blocked_until <= at
    RETURNING l.blocked_until INTO blocked;
    IF NOT FOUND THEN
      -- Blocked since the first look. The row is locked.
      RETURN QUERY SELECT i, l.blocked_until, false FROM rate_limits l WHERE l.key = keys[i];
      RETURN;
    ELSIF blocked IS NOT NULL THEN
      RETURN QUERY SELECT i, blocked, true;
      RETURN;
    END IF;
  END LOOP;
END $$;
