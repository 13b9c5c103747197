-- authograph: no transaction

-- For the events of one IP address. The action follows, so that events of other actions are skipped without being read.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "audit_events_address_idx"
  ON "audit_events" ("ip_address", "at" DESC, "id" DESC, "action") WHERE "ip_address" IS NOT NULL;
