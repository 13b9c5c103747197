-- The session of the administrator who acts as the account in this one. Null in all others.
ALTER TABLE "sessions" ADD COLUMN "actor_session_id" UUID;
