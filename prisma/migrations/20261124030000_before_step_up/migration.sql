-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "before_step_up" JSONB;
