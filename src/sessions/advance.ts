import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { togetherFor } from '../database/together.ts'
import type { Session } from '../generated/prisma/client.ts'
import { isUnusedProof, withProof } from './bound-key.ts'
import { liveColumns, type SessionWithAccount, sessionColumns, toSessionWithAccount } from './find-session.ts'
import { isLive } from './live.ts'

/** The most sessions that one statement advances. Their rows are locked until it has been committed. */
const BATCH_MAX = 16
const GENERATION = Object.keys(sessionColumns).indexOf('generation')

/** The current refresh token of a session, as far as the server can know it without the session's row. */
export type Current = Pick<Session, 'id' | 'generation' | 'salt'>
type Advance = Current & {
  ipAddress: string | null
  userAgent: string | null
  /** The thumbprint of the key that the request proves to hold, and the ID of the proof; both null without one. */
  key: string | null
  proof: Buffer | null
}

/**
 * SQL: whether the session `s` of the account `u` may be advanced at the time in `now` without a further look. If it is bound
 * to a key, only with a proof of that key that has not counted before (see bound-key.ts).
 */
const mayAdvance = (generation: string, salt: string, key: string, proof: string, now: string) =>
  `s.generation = ${generation} AND s.salt = ${salt} AND s.actor_session_id IS NULL AND ${isLive(now)}
    AND (s.key_thumbprint IS NULL OR s.key_thumbprint = ${key} AND ${isUnusedProof(proof)})`

/** SQL of an UPDATE that advances the sessions in `from`, and returns them with their accounts. */
const advanceSql = (
  now: string,
  ipAddress: string,
  userAgent: string,
  proof: string,
  from: string,
) => `UPDATE sessions s SET generation = s.generation + 1, rotated_at = ${now}, last_used_at = ${now},
    generation_seen_at = NULL, ip_address = ${ipAddress}, user_agent = ${userAgent},
    used_proofs = CASE WHEN s.key_thumbprint IS NOT NULL THEN ${withProof(proof)} END,
    expires_at = least(${now}::timestamptz + s.idle_ttl_seconds * interval '1 second', s.absolute_expires_at)
  FROM ${from} RETURNING ${liveColumns}`

const advanceRow = statement(
  'session-advance',
  advanceSql(
    '$4',
    '$5',
    '$6',
    '$8::bytea',
    `users u WHERE s.id = $1 AND u.id = s.user_id AND ${mayAdvance('$2', '$3', '$7', '$8::bytea', '$4')}`,
  ),
)

/**
 * Skips the rows that other transactions have locked: two batches never wait for each other, and none waits because of one
 * of its sessions. The limit tells PostgreSQL's planner how few rows to expect.
 */
const advanceRows = statement(
  'sessions-advance',
  `WITH requested AS MATERIALIZED (
     SELECT * FROM jsonb_to_recordset($1::jsonb)
       AS r (id uuid, generation int, salt bytea, "ipAddress" text, "userAgent" text, key text, proof bytea)
     LIMIT ${BATCH_MAX}
   ), held AS MATERIALIZED (
     SELECT s.id, r."ipAddress", r."userAgent", r.proof
     FROM requested r JOIN sessions s ON s.id = r.id JOIN users u ON u.id = s.user_id
     WHERE ${mayAdvance('r.generation', 'r.salt', 'r.key', 'r.proof', '$2')}
     FOR NO KEY UPDATE OF s SKIP LOCKED
   ) ${advanceSql('$2', 'h."ipAddress"', 'h."userAgent"', 'h.proof', 'held h, users u WHERE s.id = h.id AND u.id = s.user_id')}`,
)

function toJson({ salt, proof, ...others }: Advance) {
  return { ...others, salt: bytea(salt), proof: proof && bytea(proof) }
}

function bytea(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes).toString('hex')}`
}

/** Refreshes in the same turn of the event loop share one statement and one commit. */
const advanceTogether = togetherFor(
  async (app: App, sessions: readonly Advance[]): Promise<(unknown[] | undefined)[]> => {
    const now = app.clock.now()
    const [first, ...more] = sessions
    if (first && more.length === 0) return [await advanceOne(app, first, now)]
    const rows = await advanceRows(app.pool, [JSON.stringify(sessions.map(toJson)), now])
    const byId = new Map(rows.map(row => [row[0], row]))
    return sessions.map(({ id, generation }) => {
      const row = byId.get(id)
      // Of two tokens of one session, the statement exchanged the one whose successor it returned.
      return row?.[GENERATION] === generation + 1 ? row : undefined
    })
  },
  BATCH_MAX,
)

/**
 * Advances a live session by one generation, in one statement that also reads it and its account. Returns undefined if the
 * session has ended, is at another generation, has another salt, is bound to a key of which the request has no unused proof,
 * or is locked by another transaction.
 */
export async function advance(
  app: App,
  session: Current,
  request: RequestInfo,
): Promise<SessionWithAccount | undefined> {
  const row = await advanceTogether(app, toAdvance(session, request))
  return row && toSessionWithAccount(app, row)
}

function toAdvance(
  { id, generation, salt }: Current,
  { ipAddress, userAgent, provenKey }: RequestInfo,
): Advance {
  return {
    id,
    generation,
    salt,
    ipAddress: ipAddress ?? null,
    userAgent: userAgent ?? null,
    key: provenKey?.thumbprint ?? null,
    proof: provenKey?.proofId ?? null,
  }
}

async function advanceOne(
  app: App,
  { id, generation, salt, ipAddress, userAgent, key, proof }: Advance,
  now: Date,
): Promise<unknown[] | undefined> {
  const [row] = await advanceRow(app.pool, [id, generation, salt, now, ipAddress, userAgent, key, proof])
  return row
}
