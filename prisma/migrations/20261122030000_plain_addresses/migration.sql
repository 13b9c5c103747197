-- Addresses are stored in the form that mail is sent to: NFKC, and without what a domain name ignores. What was proved
-- so far is the mailbox of the older spelling, so such an address counts as unverified, and the links that were sent
-- there end. Only a database in UTF-8 can normalize, and only such a database holds these spellings.
DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RETURN;
  END IF;

  CREATE TEMPORARY TABLE "respelled" ON COMMIT DROP AS
    SELECT "id" FROM "users"
    WHERE "email" IS NOT NFKC NORMALIZED OR "email" ~ '[\u034F\u180B-\u180F\u3002\uFE00-\uFE0F\U000E0100-\U000E01EF]';

  UPDATE "users" u SET
    "email" = split_part(normalize(u."email", NFKC), '@', 1) || '@' || split_part(u."email_canonical", '@', 2),
    "email_verified_at" = NULL,
    "updated_at" = now()
  FROM "respelled" r WHERE u."id" = r."id";

  DELETE FROM "email_tokens" t WHERE t."user_id" IN (SELECT "id" FROM "respelled")
    OR t."payload"->>'email' IS NOT NFKC NORMALIZED
    OR t."payload"->>'email' ~ '[\u034F\u180B-\u180F\u3002\uFE00-\uFE0F\U000E0100-\U000E01EF]';
END $$;
