-- authograph: no transaction

-- Few accounts have a handle at first, so the index is small and quick to build.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "users_webauthn_handle_key" ON "users" ("webauthn_handle")
  WHERE "webauthn_handle" IS NOT NULL;
