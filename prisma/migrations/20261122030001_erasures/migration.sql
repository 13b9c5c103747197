-- CreateTable
CREATE TABLE "erasures" (
    "subject_id" UUID NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "tried_at" TIMESTAMPTZ(6) NOT NULL,
    "as_actor" BOOLEAN NOT NULL DEFAULT false,
    "after_at" TIMESTAMPTZ(3) NOT NULL,
    "after_id" UUID NOT NULL,

    CONSTRAINT "erasures_pkey" PRIMARY KEY ("subject_id")
);

-- CreateIndex
CREATE INDEX "erasures_tried_at_idx" ON "erasures"("tried_at");

-- Deletions whose events an earlier version has not yet stripped.
INSERT INTO "erasures" ("subject_id", "requested_at", "tried_at", "after_at", "after_id")
SELECT DISTINCT ON ("subject_id") "subject_id", "at", "at", 'epoch'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid
FROM "audit_events" WHERE "action" = 'user.deleted' AND "subject_id" IS NOT NULL AND "detail" = '{"forgetting": true}';
