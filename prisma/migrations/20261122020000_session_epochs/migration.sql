-- A session is live only in its account's current epoch. Raising the epoch ends every session of the account with one
-- write to one row; a background task marks the rows of the sessions afterwards.

-- Deleting an account must not delete its sessions row by row in the same transaction.
-- DropForeignKey
ALTER TABLE "sessions" DROP CONSTRAINT "sessions_user_id_fkey";

-- AlterTable
ALTER TABLE "users" ADD COLUMN     "session_epoch" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "epoch" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "session_endings" (
    "user_id" UUID NOT NULL,
    "epoch" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "session_endings_pkey" PRIMARY KEY ("user_id","epoch")
);

-- Ends sessions of an account until one more may start, expired ones first and then the oldest, and returns how many
-- of them were live. Ends at most 1000, so that an account with very many can still sign in. The caller holds a lock on
-- the account's row: each statement of a volatile function sees what was committed before it, so no session that
-- started meanwhile is missed.
CREATE FUNCTION "make_room_for_session"(account uuid, current_epoch int, max_sessions int, ends_at timestamptz)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  excess int;
  ended int := 0;
BEGIN
  SELECT count(*) - max_sessions + 1 INTO excess FROM sessions
  WHERE user_id = account AND epoch = current_epoch AND revoked_at IS NULL;
  IF excess > 0 THEN
    WITH oldest AS (
      SELECT id, expires_at > ends_at AS live FROM sessions
      WHERE user_id = account AND epoch = current_epoch AND revoked_at IS NULL
      ORDER BY expires_at > ends_at, created_at, id LIMIT least(excess, 1000)
    ), gone AS (
      UPDATE sessions s SET revoked_at = ends_at FROM oldest
      WHERE s.id = oldest.id AND s.revoked_at IS NULL RETURNING oldest.live
    )
    SELECT count(*) FILTER (WHERE live) INTO ended FROM gone;
  END IF;
  RETURN ended;
END $$;
