-- All events so far, and those of at least the next month, will be in one partition. Until then, its bound is a
-- constraint, because a table that has a valid constraint is not read again when it becomes a partition.
DO $$
DECLARE
  bound timestamptz;
BEGIN
  -- Autovacuum gives way only to those who wait for more than a second. No read or write waits behind this lock.
  PERFORM set_config('lock_timeout', '30s', true);
  LOCK TABLE "audit_events" IN SHARE UPDATE EXCLUSIVE MODE;
  PERFORM set_config('lock_timeout', '500ms', true);
  LOCK TABLE "audit_events" IN ACCESS EXCLUSIVE MODE;
  -- A clock may have been ahead.
  SELECT (date_trunc('month', greatest(now(), max("at")) AT TIME ZONE 'UTC') + interval '2 months') AT TIME ZONE 'UTC'
    INTO bound FROM "audit_events";
  EXECUTE format(
    'ALTER TABLE "audit_events" ADD CONSTRAINT "audit_events_first_bound" CHECK ("at" < %L::timestamptz) NOT VALID', bound
  );
END $$;
