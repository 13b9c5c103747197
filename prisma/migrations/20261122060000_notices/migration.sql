-- AlterTable
ALTER TABLE "mails" ADD COLUMN     "priority" SMALLINT NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "notice_quotas" (
    "user_id" UUID NOT NULL,
    "template" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "window_ends_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "notice_quotas_pkey" PRIMARY KEY ("user_id","template")
);

-- CreateIndex
CREATE INDEX "notice_quotas_window_ends_at_idx" ON "notice_quotas"("window_ends_at");

-- Notices that wait already are sent after the emails that someone waits for.
UPDATE "mails" SET "priority" = 1 WHERE "status" = 'queued'
  AND "template" NOT IN ('verify-email', 'already-registered', 'reset-password', 'invitation', 'confirm-new-email');

-- What a worker finds due emails by, one priority at a time.
CREATE INDEX "mails_queued_idx" ON "mails" ("priority", "next_attempt_at") WHERE "status" = 'queued';
