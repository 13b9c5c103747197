-- A session setting alone let any age of audit events be deleted. Now each row is looked at: what is younger than a
-- day stays, and only the function below deletes. It runs as the owner of the table, and the setting by which it tells
-- the trigger up to when counts for nothing in a session of another role.
CREATE OR REPLACE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  epoch text := substring(current_setting('authograph.prune_audit', true) FROM '^[0-9]+(?:[.][0-9]+)?$');
BEGIN
  IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' AND epoch IS NOT NULL
    AND OLD.at < least(to_timestamp(epoch::float8), now() - interval '1 day')
    AND current_user = (SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = TG_RELID)
  THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'audit_events is append-only';
END $$;

DROP TRIGGER "audit_events_append_only" ON "audit_events";
CREATE TRIGGER "audit_events_append_only" BEFORE TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();
CREATE TRIGGER "audit_events_no_delete" BEFORE DELETE ON "audit_events"
  FOR EACH ROW EXECUTE FUNCTION "refuse_audit_change"();

CREATE OR REPLACE FUNCTION "prune_audit_events"(before timestamptz, at_most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  deleted int;
BEGIN
  PERFORM set_config(
    'authograph.prune_audit', extract(epoch FROM least(before, now() - interval '1 day'))::text, true
  );
  DELETE FROM audit_events WHERE id IN (
    SELECT id FROM audit_events WHERE at < least(before, now() - interval '1 day')
    ORDER BY at, id LIMIT at_most FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('authograph.prune_audit', 'off', true);
  RETURN deleted;
END $$;

-- Another role that runs the server needs: GRANT EXECUTE ON FUNCTION prune_audit_events TO …
REVOKE EXECUTE ON FUNCTION "prune_audit_events"(timestamptz, int) FROM PUBLIC;
