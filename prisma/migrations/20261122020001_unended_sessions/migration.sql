-- authograph: no transaction

-- The sessions of an account that have not ended. A refresh changes none of these columns, so it writes no index.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "sessions_unended_idx" ON "sessions" ("user_id", "epoch")
  WHERE "revoked_at" IS NULL;
