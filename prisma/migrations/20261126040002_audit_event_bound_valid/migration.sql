-- authograph: no transaction

-- Reads the table, but blocks neither reads nor writes.
ALTER TABLE "audit_events" VALIDATE CONSTRAINT "audit_events_first_bound";
