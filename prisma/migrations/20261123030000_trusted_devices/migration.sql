-- What the owner of an account sees of the devices that it trusts, and which of them a session was started from.
-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "device_id" UUID;

-- AlterTable
ALTER TABLE "devices" ADD COLUMN     "device_name" TEXT,
ADD COLUMN     "ip_address" TEXT;
