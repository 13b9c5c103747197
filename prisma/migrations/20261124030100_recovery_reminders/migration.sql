-- AlterTable
ALTER TABLE "factor_recoveries" ADD COLUMN     "reminded_at" TIMESTAMPTZ(3),
ADD COLUMN     "reminder_hash" BYTEA;

-- CreateIndex
CREATE UNIQUE INDEX "factor_recoveries_reminder_hash_key" ON "factor_recoveries"("reminder_hash");
