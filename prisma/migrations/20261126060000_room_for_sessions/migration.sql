-- As before, but with the IDs as an array. PostgreSQL joined the sessions with `oldest` row by row where it took the
-- table for small, which for ten thousand sessions took longer than a statement may.
CREATE OR REPLACE FUNCTION "make_room_for_session"(account uuid, current_epoch int, max_sessions int, ends_at timestamptz)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  excess int;
  oldest uuid[];
  ended int := 0;
BEGIN
  SELECT count(*) - max_sessions + 1 INTO excess FROM sessions
  WHERE user_id = account AND epoch = current_epoch AND revoked_at IS NULL;
  IF excess > 0 THEN
    oldest := ARRAY(
      SELECT id FROM sessions WHERE user_id = account AND epoch = current_epoch AND revoked_at IS NULL
      ORDER BY expires_at > ends_at, created_at, id LIMIT least(excess, 1000)
    );
    WITH gone AS (
      UPDATE sessions s SET revoked_at = ends_at WHERE s.id = ANY (oldest) AND s.revoked_at IS NULL
      RETURNING s.expires_at > ends_at AS live
    )
    SELECT count(*) FILTER (WHERE live) INTO ended FROM gone;
  END IF;
  RETURN ended;
END $$;
