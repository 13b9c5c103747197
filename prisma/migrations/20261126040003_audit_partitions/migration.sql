-- Audit events in partitions by month, so that events that are no longer kept are dropped with their partition, and
-- no index outgrows the memory.

-- The partitions with their bounds. A bound is null if there is none; the default partition has neither.
CREATE FUNCTION "audit_partitions"() RETURNS TABLE ("part" regclass, "starts_at" timestamptz, "ends_at" timestamptz)
LANGUAGE sql STABLE SET search_path FROM CURRENT SET "DateStyle" = 'ISO' AS $$
  SELECT c.oid::regclass,
    substring(b.bound FROM 'FROM \(''([^'']+)''\)')::timestamptz,
    substring(b.bound FROM 'TO \(''([^'']+)''\)')::timestamptz
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
    LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
  WHERE i.inhparent = to_regclass('audit_events')
$$;

CREATE FUNCTION "has_audit_partition"("moment" timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT EXISTS (
    SELECT FROM audit_partitions() p WHERE p.ends_at > moment AND coalesce(p.starts_at, '-infinity') <= moment
  )
$$;

-- Creates the partitions of this month and the next three, where they are missing, and returns how many it created.
-- Any role may call it, because it does no more than that. Waits for other sessions only briefly, because sign-ins
-- would wait behind it. The next call tries again.
CREATE FUNCTION "create_audit_partitions"() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET "DateStyle" = 'ISO' SET lock_timeout = '300ms' AS $$
DECLARE
  this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
  begins timestamp;
  part text;
  created int := 0;
BEGIN
  FOR begins IN SELECT generate_series(this_month, this_month + interval '3 months', interval '1 month') LOOP
    CONTINUE WHEN has_audit_partition(begins AT TIME ZONE 'UTC');
    -- Another replica is creating them.
    IF NOT pg_try_advisory_xact_lock(72707371) THEN
      RETURN created;
    END IF;
    -- What another has created meanwhile is visible to the statements that follow.
    CONTINUE WHEN has_audit_partition(begins AT TIME ZONE 'UTC');
    part := 'audit_events_' || to_char(begins, 'YYYY_MM');
    -- Attaching it takes a weaker lock than creating it as a partition.
    EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING ALL)', part);
    EXECUTE format(
      'CREATE TRIGGER audit_events_append_only BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()',
      part
    );
    -- Otherwise, the planner expects some pages of events in it.
    EXECUTE format('ANALYZE %I', part);
    EXECUTE format(
      'ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      part, begins AT TIME ZONE 'UTC', (begins + interval '1 month') AT TIME ZONE 'UTC'
    );
    created := created + 1;
  END LOOP;
  RETURN created;
END $$;

-- Drops the oldest partition if all its events are older than `before`, and returns its name and the approximate number
-- of its events. Like `prune_audit_events`, it spares the last day.
CREATE FUNCTION "drop_audit_partition"(before timestamptz) RETURNS TABLE ("dropped" text, "events" bigint)
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '300ms' AS $$
BEGIN
  SELECT p.part::text, c.reltuples::bigint INTO dropped, events
    FROM audit_partitions() p JOIN pg_class c ON c.oid = p.part
    WHERE p.ends_at <= least(before, now() - interval '1 day') ORDER BY p.ends_at LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- A table without statistics is small.
  IF events < 0 THEN
    EXECUTE format('SELECT count(*) FROM %s', dropped) INTO events;
  END IF;
  EXECUTE format('DROP TABLE %s', dropped);
  RETURN NEXT;
END $$;

-- Now with the time, which tells the partitions apart.
CREATE OR REPLACE FUNCTION "prune_audit_events"(before timestamptz, at_most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  until timestamptz := least(before, now() - interval '1 day');
  deleted int;
BEGIN
  PERFORM set_config('authograph.prune_audit', extract(epoch FROM until)::text, true);
  DELETE FROM audit_events WHERE at < until AND (id, at) IN (
    SELECT id, at FROM audit_events WHERE at < until ORDER BY at, id LIMIT at_most FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('authograph.prune_audit', 'off', true);
  RETURN deleted;
END $$;

CREATE TABLE "audit_events_partitioned" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "action" TEXT NOT NULL,
    "actor_id" UUID,
    "subject_id" UUID,
    "ip_address" TEXT,
    "user_agent" TEXT,
    "detail" JSONB
) PARTITION BY RANGE ("at");

-- Until the last lock below, reads and writes go on.
DO $$
BEGIN
  PERFORM set_config('DateStyle', 'ISO', true);
  -- Long enough that autovacuum gives way. No read or write waits behind this lock.
  PERFORM set_config('lock_timeout', '30s', true);
  LOCK TABLE "audit_events" IN SHARE UPDATE EXCLUSIVE MODE;
  PERFORM set_config('lock_timeout', '500ms', true);
END $$;

ALTER INDEX "audit_events_pkey" RENAME TO "audit_events_first_id_key";
ALTER INDEX "audit_events_at_id_idx" RENAME TO "audit_events_first_at_id_idx";
ALTER INDEX "audit_events_action_at_id_idx" RENAME TO "audit_events_first_action_at_id_idx";
ALTER INDEX "audit_events_subject_id_at_id_action_idx" RENAME TO "audit_events_first_subject_id_at_id_action_idx";
ALTER INDEX "audit_events_actor_idx" RENAME TO "audit_events_first_actor_idx";
ALTER INDEX "audit_events_address_idx" RENAME TO "audit_events_first_address_idx";
ALTER STATISTICS "audit_events_actor_action" RENAME TO "audit_events_first_actor_action";
ALTER STATISTICS "audit_events_subject_action" RENAME TO "audit_events_first_subject_action";

-- The same indexes, which those of the table then belong to.
ALTER TABLE "audit_events_partitioned" ADD CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id", "at");
CREATE INDEX "audit_events_at_id_idx" ON "audit_events_partitioned" ("at" DESC, "id" DESC);
CREATE INDEX "audit_events_action_at_id_idx" ON "audit_events_partitioned" ("action", "at" DESC, "id" DESC);
CREATE INDEX "audit_events_subject_id_at_id_action_idx"
  ON "audit_events_partitioned" ("subject_id", "at" DESC, "id" DESC, "action");
CREATE INDEX "audit_events_actor_idx"
  ON "audit_events_partitioned" ("actor_id", "at" DESC, "id" DESC, "action", "subject_id") WHERE "actor_id" IS NOT NULL;
CREATE INDEX "audit_events_address_idx"
  ON "audit_events_partitioned" ("ip_address", "at" DESC, "id" DESC, "action") WHERE "ip_address" IS NOT NULL;
CREATE STATISTICS "audit_events_actor_action" (mcv) ON "actor_id", "action" FROM "audit_events_partitioned";
CREATE STATISTICS "audit_events_subject_action" (mcv) ON "subject_id", "action" FROM "audit_events_partitioned";

CREATE TRIGGER "audit_events_append_only" BEFORE TRUNCATE ON "audit_events_partitioned"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();
CREATE TRIGGER "audit_events_no_delete" BEFORE DELETE ON "audit_events_partitioned"
  FOR EACH ROW EXECUTE FUNCTION "refuse_audit_change"();
CREATE TRIGGER "audit_events_forget_only" BEFORE UPDATE ON "audit_events_partitioned"
  FOR EACH ROW EXECUTE FUNCTION "let_audit_forget"();
CREATE TRIGGER "audit_events_queue_webhooks" AFTER INSERT ON "audit_events_partitioned"
  REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION queue_webhook_deliveries();

-- For events that have another time than the partitions, for example because a clock was ahead.
CREATE TABLE "audit_events_default" PARTITION OF "audit_events_partitioned" DEFAULT;
CREATE TRIGGER "audit_events_append_only" BEFORE TRUNCATE ON "audit_events_default"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();
ANALYZE "audit_events_default";

-- The owner and the permissions of other roles stay as they are.
DO $$
DECLARE
  owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('audit_events'));
  granted record;
BEGIN
  EXECUTE format('ALTER TABLE audit_events_partitioned OWNER TO %I', owner);
  EXECUTE format('ALTER TABLE audit_events_default OWNER TO %I', owner);
  EXECUTE format('ALTER FUNCTION create_audit_partitions() OWNER TO %I', owner);
  EXECUTE format('ALTER FUNCTION drop_audit_partition(timestamptz) OWNER TO %I', owner);
  REVOKE EXECUTE ON FUNCTION drop_audit_partition(timestamptz) FROM PUBLIC;
  FOR granted IN
    SELECT a.privilege_type || ' ON audit_events_partitioned' AS what, a.grantee, a.is_grantable
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = to_regclass('audit_events') AND a.grantee <> c.relowner
    UNION ALL
    SELECT 'EXECUTE ON FUNCTION drop_audit_partition(timestamptz)', a.grantee, a.is_grantable
    FROM pg_proc p, aclexplode(p.proacl) a
    WHERE p.oid = to_regprocedure('prune_audit_events(timestamptz, int)') AND a.grantee <> p.proowner
  LOOP
    EXECUTE format(
      'GRANT %s TO %s%s', granted.what,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END,
      CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    );
  END LOOP;
END $$;

-- From here on, reads and writes wait. All of it changes only the catalog.
LOCK TABLE "audit_events" IN ACCESS EXCLUSIVE MODE;

DROP TRIGGER "audit_events_no_delete" ON "audit_events";
DROP TRIGGER "audit_events_forget_only" ON "audit_events";
DROP TRIGGER "audit_events_queue_webhooks" ON "audit_events";
ALTER TABLE "audit_events" RENAME TO "audit_events_first";
ALTER TABLE "audit_events_first" DROP CONSTRAINT "audit_events_first_id_key";
ALTER TABLE "audit_events_first" ADD CONSTRAINT "audit_events_first_pkey" PRIMARY KEY USING INDEX "audit_events_first_pkey";
ALTER TABLE "audit_events_partitioned" RENAME TO "audit_events";

DO $$
DECLARE
  -- The bound of its constraint.
  bound timestamptz := (
    SELECT substring(pg_get_constraintdef(oid) FROM '''([^'']+)''')::timestamptz FROM pg_constraint
    WHERE conname = 'audit_events_first_bound' AND conrelid = to_regclass('audit_events_first') AND convalidated
  );
BEGIN
  -- A new database needs no partition for what was before it, except for events with an earlier time.
  IF NOT EXISTS (SELECT FROM audit_events_first) THEN
    bound := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  END IF;
  EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION audit_events_first FOR VALUES FROM (MINVALUE) TO (%L)', bound);
  ALTER TABLE audit_events_first DROP CONSTRAINT audit_events_first_bound;
  IF bound <= now() THEN
    ANALYZE audit_events_first;
    PERFORM create_audit_partitions();
  END IF;
END $$;
