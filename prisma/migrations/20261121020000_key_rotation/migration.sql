-- AlterTable
ALTER TABLE "signing_keys" ADD COLUMN     "activates_at" TIMESTAMPTZ(3);

-- Keys that exist sign already.
UPDATE "signing_keys" SET "activates_at" = "created_at";

ALTER TABLE "signing_keys" ALTER COLUMN "activates_at" SET NOT NULL;
