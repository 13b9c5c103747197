-- The tokens that a provider issued must be revoked there when their identity leaves, whether its owner disconnects it,
-- an administrator deletes the account, or its address is taken over. So whatever deletes an identity queues this. The
-- queue holds no account and no person.
CREATE FUNCTION queue_provider_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO provider_revocations (id, provider, sealed_token, created_at, next_attempt_at, expires_at)
  VALUES (
    gen_random_uuid(), OLD.provider, OLD.sealed_tokens, statement_timestamp(), statement_timestamp(),
    statement_timestamp() + interval '30 days'
  );
  RETURN NULL;
END $$;

CREATE TRIGGER identities_queue_revocation AFTER DELETE ON identities
  FOR EACH ROW WHEN (OLD.sealed_tokens IS NOT NULL) EXECUTE FUNCTION queue_provider_revocation();
