-- authograph: no transaction

-- A provider announces by its own ID of the session that someone signed out there. Few sessions have one. Built without
-- blocking writes.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "sessions_provider_sid_idx" ON "sessions" ("provider_sid")
  WHERE "provider_sid" IS NOT NULL;
