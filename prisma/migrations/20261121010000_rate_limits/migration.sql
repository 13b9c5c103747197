-- CreateTable
CREATE TABLE "rate_limits" (
    "key" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "window_ends_at" TIMESTAMPTZ(3) NOT NULL,
    "blocks" INTEGER NOT NULL,
    "blocked_until" TIMESTAMPTZ(3),

    CONSTRAINT "rate_limits_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "rate_limits_window_ends_at_idx" ON "rate_limits"("window_ends_at");

-- Counts an attempt on each of the keys, in their order, and stops at the first that is used up: returns
-- its place from 1, until when it is blocked, and whether this attempt blocked it; no row where the
-- attempt may go on. `max_counts` attempts of a window are free; the next blocks the key for
-- `block_seconds`. After a block one attempt is free, and the block after that lasts twice as long, up to
-- an hour. The row lock makes parallel attempts queue, so none is missed.
CREATE FUNCTION "count_attempt"(keys text[], max_counts int[], window_seconds int[], block_seconds int[], at timestamptz)
RETURNS TABLE (place int, ends_at timestamptz, fresh boolean) LANGUAGE plpgsql AS $$
DECLARE
  r rate_limits%ROWTYPE;
  win interval;
BEGIN
  FOR i IN 1 .. array_length(keys, 1) LOOP
    win := make_interval(secs => window_seconds[i]);
    LOOP
      INSERT INTO rate_limits (key, count, window_ends_at, blocks) VALUES (keys[i], 0, at + win, 0)
      ON CONFLICT (key) DO NOTHING;
      SELECT * INTO r FROM rate_limits WHERE key = keys[i] FOR UPDATE;
      -- Not found: deleted in between as expired.
      EXIT WHEN FOUND;
    END LOOP;
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
      r.blocked_until := at + make_interval(secs => least(block_seconds[i] * 2 ^ least(r.blocks, 20), 3600));
      UPDATE rate_limits SET count = max_counts[i] - 1, window_ends_at = r.blocked_until + win, blocks = r.blocks + 1,
        blocked_until = r.blocked_until
      WHERE key = keys[i];
      RETURN QUERY SELECT i, r.blocked_until, true;
      RETURN;
    END IF;
  END LOOP;
END $$;
