-- A migration of its own: it reads all accounts, and the one before it locks the table.
-- Until now, only the audit log had these facts.
UPDATE "users" u SET "disabled_reason" = (
  SELECT e."detail" ->> 'reason' FROM "audit_events" e
  WHERE e."subject_id" = u."id" AND e."action" = 'user.disabled' ORDER BY e."at" DESC, e."id" DESC LIMIT 1
) WHERE u."disabled_at" IS NOT NULL;

UPDATE "users" u SET "invited_at" = (
  SELECT e."at" FROM "audit_events" e
  WHERE e."subject_id" = u."id" AND e."action" = 'user.invited' ORDER BY e."at" DESC, e."id" DESC LIMIT 1
) WHERE u."password_hash" IS NULL AND u."password_changed_at" IS NULL AND u."last_login_at" IS NULL;
