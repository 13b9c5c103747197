-- authograph: no transaction

-- The primary key of a partitioned table includes the column that it is partitioned by. The next migrations make the
-- table a partition with this key. None of them rewrites it or holds a lock while it reads it.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "audit_events_first_pkey" ON "audit_events" ("id", "at");
