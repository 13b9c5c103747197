-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "copy_refused_at" TIMESTAMPTZ(3),
ADD COLUMN     "key_thumbprint" TEXT,
ADD COLUMN     "used_proofs" BYTEA;
