-- AlterTable: no version has stored a passkey yet, so the table is empty.
ALTER TABLE "passkeys" ADD COLUMN     "rp_id" TEXT NOT NULL;
