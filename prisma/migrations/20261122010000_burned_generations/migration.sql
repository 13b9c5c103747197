-- What a late repeat of a refresh token burns. Null until then, so sessions of earlier versions need no change:
-- their confirmed generation follows from generation and generation_seen_at.
ALTER TABLE "sessions" ADD COLUMN     "burned_from" INTEGER,
ADD COLUMN     "burned_to" INTEGER;
