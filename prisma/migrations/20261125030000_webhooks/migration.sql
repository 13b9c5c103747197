-- CreateTable
CREATE TABLE "webhooks" (
    "id" UUID NOT NULL,
    "url" TEXT,
    "events" TEXT[],
    "enabled" BOOLEAN NOT NULL,
    "sealed_secret" TEXT,
    "sealed_former_secret" TEXT,
    "former_secret_until" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "paused_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "webhooks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" UUID NOT NULL,
    "position" BIGSERIAL NOT NULL,
    "webhook_id" UUID NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'queued',
    "event" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor_id" UUID,
    "subject_id" UUID,
    "ids" JSONB NOT NULL DEFAULT '{}',
    "account_id" UUID,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
    "last_error" TEXT,

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- The deliveries that are due.
CREATE INDEX "webhook_deliveries_due_idx" ON "webhook_deliveries" ("webhook_id", "next_attempt_at", "position")
  WHERE "status" = 'queued';

-- The earlier deliveries of an account.
CREATE INDEX "webhook_deliveries_account_idx" ON "webhook_deliveries" ("webhook_id", "account_id", "position")
  WHERE "status" = 'queued';

-- The list of failed deliveries.
CREATE INDEX "webhook_deliveries_failed_idx" ON "webhook_deliveries" ("position") WHERE "status" = 'failed';

-- Events reach the audit log from many statements. A trigger is the only place that misses none of them, and it queues
-- the deliveries in the transaction that causes the event. They contain IDs, and nothing else of the event's detail.
-- A failed delivery causes no further delivery, which would fail in its turn.
CREATE FUNCTION queue_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO webhook_deliveries (
    id, webhook_id, event, event_id, at, actor_id, subject_id, ids, account_id, next_attempt_at
  )
  SELECT gen_random_uuid(), w.id, e.action, e.id, e.at, e.actor_id, e.subject_id, coalesce((
      SELECT jsonb_object_agg(d.key, d.value) FROM jsonb_each(e.detail) d
      WHERE d.key LIKE '%Id' AND d.value #>> '{}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    ), '{}'), coalesce(e.subject_id, e.actor_id), e.at
  FROM recorded e JOIN webhooks w ON w.enabled AND (w.events = '{*}' OR e.action = ANY (w.events))
  WHERE e.action <> 'webhook.delivery_failed'
  ORDER BY e.at, e.id;
  RETURN NULL;
END $$;

CREATE TRIGGER "audit_events_queue_webhooks" AFTER INSERT ON "audit_events"
  REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION queue_webhook_deliveries();
