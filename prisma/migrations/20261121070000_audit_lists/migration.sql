-- DropIndex
DROP INDEX "audit_events_subject_id_at_idx";

-- DropIndex
DROP INDEX "audit_events_actor_id_at_idx";

-- CreateIndex
CREATE INDEX "audit_events_action_at_id_idx" ON "audit_events"("action", "at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_events_subject_id_at_id_action_idx" ON "audit_events"("subject_id", "at" DESC, "id" DESC, "action");

-- Much happens without an actor, such as what the command line does.
CREATE INDEX "audit_events_actor_idx" ON "audit_events" ("actor_id", "at" DESC, "id" DESC, "action", "subject_id")
  WHERE "actor_id" IS NOT NULL;

-- The planner would take actions and accounts for independent of each other, which those of a busy service are not.
CREATE STATISTICS "audit_events_actor_action" (mcv) ON "actor_id", "action" FROM "audit_events";
CREATE STATISTICS "audit_events_subject_action" (mcv) ON "subject_id", "action" FROM "audit_events";
ANALYZE "audit_events";
