-- What pruning finds ended sessions by. Nothing that a refresh changes is indexed, so that it stays cheap.
-- CreateIndex
CREATE INDEX "sessions_absolute_expires_at_idx" ON "sessions"("absolute_expires_at");
CREATE INDEX "sessions_revoked_at_idx" ON "sessions" ("revoked_at") WHERE "revoked_at" IS NOT NULL;

-- Events are deleted by the function below and by nothing else.
CREATE OR REPLACE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('authograph.prune_audit', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'audit_events is append-only';
END $$;

-- Deletes at most so many of the events before an instant, the oldest first, and returns how many those were. What
-- is younger than a day stays, whoever asks.
CREATE FUNCTION "prune_audit_events"(before timestamptz, at_most int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  deleted int;
BEGIN
  PERFORM set_config('authograph.prune_audit', 'on', true);
  DELETE FROM audit_events WHERE id IN (
    SELECT id FROM audit_events WHERE at < least(before, now() - interval '1 day')
    ORDER BY at, id LIMIT at_most FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('authograph.prune_audit', 'off', true);
  RETURN deleted;
END $$;
