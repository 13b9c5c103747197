-- CreateTable
CREATE TABLE "user_search" (
    "user_id" UUID NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "user_search_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "user_search_queue" (
    "id" BIGSERIAL NOT NULL,
    "user_id" UUID NOT NULL,

    CONSTRAINT "user_search_queue_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "users_created_at_id_idx" ON "users"("created_at", "id");

-- AddForeignKey
ALTER TABLE "user_search" ADD CONSTRAINT "user_search_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- For lists by the latest sign-in. Who has never signed in comes before everybody who has.
CREATE INDEX "users_last_login_at_id_idx" ON "users" (coalesce("last_login_at", '-infinity'), "id");

-- For filters that select few of many.
CREATE INDEX "users_disabled_idx" ON "users" ("created_at", "id") WHERE "disabled_at" IS NOT NULL;
CREATE INDEX "users_unverified_idx" ON "users" ("created_at", "id") WHERE "email_verified_at" IS NULL;

-- What an account is found by. No term has a line break in it, so none matches across two fields.
CREATE FUNCTION "searched_text"(email text, username text, display_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT lower(email || E'\n' || coalesce(username, '') || E'\n' || coalesce(display_name, ''))
$$;

-- Every piece of three characters, and what is left at the end. Not pg_trgm: in a database of the locale C, as the
-- built-in one is, that sees nothing but ASCII, and two characters, such as a Korean name has, it cannot look up.
-- Its cost keeps the planner from working it out for every account instead of asking the index.
CREATE FUNCTION "search_pieces"(searched text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS $$
  SELECT array_to_tsvector(array_agg(substr(searched, i, 3))) FROM generate_series(1, length(searched)) AS i
$$;

-- The pieces that a text which contains the term must have: one after the other, the last one flush with the
-- term's end; of a term shorter than a piece, any piece that starts with it. Pieces that many accounts have, such as
-- those of a domain, take long to look up and tell little: left out, unless there are no others.
CREATE FUNCTION "search_query"(term text) RETURNS tsquery
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  WITH "some" AS MATERIALIZED (SELECT "text" FROM "user_search" LIMIT 64),
  "pieces" AS (
    SELECT DISTINCT substr(term, greatest(1, least(i, length(term) - 2)), 3) AS "piece"
    FROM generate_series(1, length(term), 3) AS i
  ),
  "lexemes" AS (
    SELECT
      '''' || replace(replace("piece", '\', '\\'), '''', '''''') || '''' ||
        CASE WHEN length(term) < 3 THEN ':*' ELSE '' END AS "lexeme",
      (SELECT count(*) FROM "some" WHERE strpos("text", "piece") > 0) < 16 AS "rare"
    FROM "pieces"
  )
  SELECT coalesce(string_agg("lexeme", ' & ') FILTER (WHERE "rare"), string_agg("lexeme", ' & '))::tsquery FROM "lexemes"
$$;

-- The list of what is to be sorted in stays short enough to be sorted in by whoever fills it.
CREATE INDEX "user_search_pieces_idx" ON "user_search" USING gin ("search_pieces"("text")) WITH (gin_pending_list_limit = 1024);

-- The index takes longer to write than the account: it is written later, in batches, and searches look at what waits.
CREATE FUNCTION "queue_user_search"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "user_search_queue" ("user_id") SELECT "id" FROM "changed";
  RETURN NULL;
END $$;
CREATE TRIGGER "users_search_insert" AFTER INSERT ON "users" REFERENCING NEW TABLE AS "changed"
  FOR EACH STATEMENT EXECUTE FUNCTION "queue_user_search"();

CREATE FUNCTION "queue_changed_user_search"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "user_search_queue" ("user_id") VALUES (NEW."id");
  RETURN NULL;
END $$;
CREATE TRIGGER "users_search_update" AFTER UPDATE OF "email", "username", "display_name" ON "users"
  FOR EACH ROW EXECUTE FUNCTION "queue_changed_user_search"();

INSERT INTO "user_search_queue" ("user_id") SELECT "id" FROM "users";
