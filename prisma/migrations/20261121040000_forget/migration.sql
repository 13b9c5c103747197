-- The audit log stays append-only, but for this: events about accounts that are gone may lose their address, user
-- agent and detail.
DROP TRIGGER "audit_events_append_only" ON "audit_events";

CREATE TRIGGER "audit_events_append_only" BEFORE DELETE OR TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();

CREATE FUNCTION "let_audit_forget"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.subject_id)
      IS NOT DISTINCT FROM (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.subject_id)
    AND (NEW.ip_address IS NULL OR NEW.ip_address = OLD.ip_address)
    AND (NEW.user_agent IS NULL OR NEW.user_agent = OLD.user_agent)
    AND (NEW.detail = '{}' OR NEW.detail IS NOT DISTINCT FROM OLD.detail)
    AND EXISTS (
      SELECT FROM (VALUES (OLD.actor_id), (OLD.subject_id)) AS named (id)
      WHERE named.id IS NOT NULL AND NOT EXISTS (SELECT FROM "users" u WHERE u.id = named.id)
    )
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'audit_events is append-only';
END $$;
CREATE TRIGGER "audit_events_forget_only" BEFORE UPDATE ON "audit_events"
  FOR EACH ROW EXECUTE FUNCTION "let_audit_forget"();
