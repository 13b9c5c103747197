-- Fails, and so rolls the whole statement back, unless the statement has claimed everything it needs, such as a code and
-- a ticket. The detail of the error is the place of the first claim that another statement has made before.
CREATE FUNCTION "require_claims"(claimed boolean[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  FOR place IN 1 .. cardinality(claimed) LOOP
    IF NOT claimed[place] THEN
      RAISE EXCEPTION 'claimed before' USING ERRCODE = 'AG001', DETAIL = place::text;
    END IF;
  END LOOP;
  RETURN true;
END $$;
