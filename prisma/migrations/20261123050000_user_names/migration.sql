-- authograph: no transaction

-- For lists by name: the name that an account is shown by, regardless of case.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "users_name_idx"
  ON "users" (lower(coalesce("display_name", "username", "email")), "id");
