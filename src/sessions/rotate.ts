import type { App } from '../app.ts'
import { addSeconds, earlier } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { type Queryable, statement } from '../database/client.ts'
import type { Session } from '../generated/prisma/client.ts'
import { COUNT_PROOF, countedProof, isUnusedProof } from './bound-key.ts'
import { sessionColumns } from './find-session.ts'
import { isLive } from './live.ts'
import { isElsewhere, recordRefresh } from './refresh-record.ts'
import { NO_PROOFS, type ProvedSession } from './strength.ts'

/** What a rotation changes besides the generation. */
export function rotation(session: Session, now: Date, { ipAddress, userAgent }: RequestInfo) {
  return {
    rotatedAt: now,
    lastUsedAt: now,
    generationSeenAt: null,
    expiresAt: earlier(addSeconds(now, session.idleTtlSeconds), session.absoluteExpiresAt),
    ipAddress: ipAddress ?? null,
    userAgent: userAgent ?? null,
  }
}

const increment = statement(
  'session-rotate',
  `UPDATE sessions s SET generation = generation + 1, rotated_at = $3, last_used_at = $3, generation_seen_at = NULL,
     expires_at = $4, ip_address = $5, user_agent = $6, ${COUNT_PROOF('$7::bytea')}
   FROM users u WHERE s.id = $1 AND generation = $2 AND u.id = s.user_id AND ${isLive('$3')}
     AND ${isUnusedProof('$7::bytea')}
   RETURNING s.id`,
)

/** Advances the session by one generation, in one statement. Returns undefined if another request changed it first. */
export async function moveOn(
  app: App,
  session: Session,
  generation: number,
  now: Date,
  request: RequestInfo,
): Promise<Session | undefined> {
  const change = rotation(session, now, request)
  const { expiresAt, ipAddress, userAgent } = change
  const proof = countedProof(session, request)
  const hits = await increment(app.pool, [
    session.id,
    generation,
    now,
    expiresAt,
    ipAddress,
    userAgent,
    proof,
  ])
  return hits.length > 0 ? { ...session, ...change, generation: generation + 1 } : undefined
}

/**
 * Advances the session to a new generation and burns those between it and `generation`. If one of these was created by a
 * step-up, its proofs are withdrawn: the sender may be someone else than the person who gave them. Returns undefined like
 * `moveOn`.
 */
export function replaceLost(
  app: App,
  session: Session,
  generation: number,
  now: Date,
  request: RequestInfo,
): Promise<Session | undefined> {
  const burned = { burnedFrom: generation + 1, burnedTo: session.generation }
  const next = {
    ...session,
    ...rotation(session, now, request),
    ...burned,
    generation: session.generation + 1,
  }
  // If an access token of the successor is used in the meantime, this is a theft.
  const proof = countedProof(session, request)
  const guard = { unseen: true, withdrawn: session.proofGeneration > generation, proof }
  if (!isElsewhere(session, request)) return leapTo(app.db, session, next, guard)
  return app.db.$transaction(async tx => {
    const changed = await leapTo(tx, session, next, guard)
    if (changed) await recordRefresh(tx, 'session.refresh_repeated', session, generation, now, request)
    return changed
  })
}

/**
 * Advances the session past `generation`, which the database has not reached. Returns undefined like `moveOn`.
 */
export function catchUp(
  app: App,
  session: Session,
  generation: number,
  now: Date,
  request: RequestInfo,
): Promise<Session | undefined> {
  const next = { ...session, ...rotation(session, now, request), generation: generation + 1 }
  const guard = { unseen: false, withdrawn: false, proof: countedProof(session, request) }
  return app.db.$transaction(async tx => {
    const changed = await leapTo(tx, session, next, guard)
    if (changed) await recordRefresh(tx, 'session.refresh_ahead', session, generation, now, request)
    return changed
  })
}

const proofFields = ['authenticatedAt', ...Object.keys(NO_PROOFS)] as (keyof ProvedSession)[]
/** The columns of what a session has proved, in the row `source`. */
const proofColumns = (source: string) =>
  proofFields.map(field => `${source}${sessionColumns[field]}`).join(', ')

/** SQL that keeps the proofs of session `s` for `WITHDRAW`, in the UPDATE of a step-up. */
export const KEEP_PROOFS = `before_step_up = to_jsonb((SELECT p FROM (SELECT ${proofColumns('s.')}) p))`

/** SQL that takes the proofs of the latest step-up back, in the UPDATE of a leap. */
const WITHDRAW = `, before_step_up = NULL, (${proofColumns('')}) = (
  SELECT ${proofColumns('p.')} FROM jsonb_populate_record(s, s.before_step_up) p
)`

/** If `$10` is true, matches only while no access token of the current generation has been used. */
const leapSql = (
  withdraw: string,
) => `UPDATE sessions s SET generation = $3::int, rotated_at = $4::timestamptz, last_used_at = $4::timestamptz,
    generation_seen_at = NULL, expires_at = $5::timestamptz, ip_address = $6, user_agent = $7,
    burned_from = $8::int, burned_to = $9::int, ${COUNT_PROOF('$11::bytea')}${withdraw}
  FROM users u WHERE s.id = $1::uuid AND generation = $2::int AND u.id = s.user_id AND ${isLive('$4::timestamptz')}
    AND NOT ($10::boolean AND generation_seen_at IS NOT NULL) AND ${isUnusedProof('$11::bytea')}
  RETURNING ${proofFields.map(field => `s.${sessionColumns[field]} AS "${field}"`).join(', ')}`
const leap = leapSql('')
const leapWithout = leapSql(WITHDRAW)

/** Changes the session to `next` if it is live and still at its generation. Returns undefined like `moveOn`. */
async function leapTo(
  db: Queryable,
  session: Session,
  next: Session,
  { unseen, withdrawn, proof }: { unseen: boolean; withdrawn: boolean; proof: Buffer | null },
): Promise<Session | undefined> {
  const { generation, rotatedAt, expiresAt, ipAddress, userAgent, burnedFrom, burnedTo } = next
  const target = [generation, rotatedAt, expiresAt, ipAddress, userAgent, burnedFrom, burnedTo]
  const statement = withdrawn ? leapWithout : leap
  const [proofs] = await db.$queryRawUnsafe<ProvedSession[]>(
    statement,
    session.id,
    session.generation,
    ...target,
    unseen,
    proof,
  )
  return proofs && { ...next, ...proofs }
}
