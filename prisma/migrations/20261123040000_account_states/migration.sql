-- AlterTable
ALTER TABLE "users" ADD COLUMN     "disabled_reason" TEXT,
ADD COLUMN     "invited_at" TIMESTAMPTZ(3);

-- Two changes in one millisecond, or after the clock moved back, must not leave the same time: an administrator's change
-- is refused if the account has another time than the one they saw. Statements that don't set the column don't run this.
CREATE FUNCTION "advance_updated_at"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."updated_at" <= OLD."updated_at" THEN
    NEW."updated_at" := OLD."updated_at" + interval '1 millisecond';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "users_advance_updated_at" BEFORE UPDATE OF "updated_at" ON "users"
  FOR EACH ROW EXECUTE FUNCTION "advance_updated_at"();
