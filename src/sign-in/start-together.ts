import pg from 'pg'
import { accountColumns, toAccount } from '../accounts/account.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import type { AuthMethod } from '../credentials/proof.ts'
import { statement } from '../database/client.ts'
import { type Columns, insertSql, toRowOfParts, toRows } from '../database/insert.ts'
import { newId } from '../database/new-id.ts'
import { togetherFor } from '../database/together.ts'
import type { Device } from '../devices/device.ts'
import { trustedSecretHash } from '../devices/trust.ts'
import type { Session } from '../generated/prisma/client.ts'
import type { SessionWithAccount } from '../sessions/find-session.ts'
import { newSession } from '../sessions/start.ts'
import { startedColumns } from './start-session.ts'

/** A way to sign in that has a statement of its own, which needs to read nothing before it. */
export type Way = {
  name: string
  /** The most sessions that one statement starts. Their accounts are locked until it has been committed. */
  max: number
  /** The columns of a sign-in, as `name type`, besides those that every sign-in has. */
  columns: readonly string[]
  /** SQL after FROM that finds the account `u` of a sign-in `a`, and its columns for `held`. */
  found: { from: string; columns: string; where: string }
  /** SQL of the rows that the sign-in `s` uses up or changes: joined, locked by these names, and required to be so. */
  held: { join: string; of: string; where: string }
  /** CTEs that change them, from the CTE `room`. */
  changes: string
  /** A CTE `claimed` with the `session_id` of the sign-ins in `held` that may start, if not all may. */
  claimed?: string
  /** What fills these columns of the session, from the CTE `room`. */
  session?: Record<string, string>
}

/** A sign-in whose credentials are verified, from a device that its account may know. */
export type KnownSignIn = {
  method: AuthMethod
  device: Device
  remember: boolean
  deviceName: string | null | undefined
  /** The ID of the session that starts; otherwise, it gets a new one. */
  sessionId?: string
  /** Two sign-ins with the same are never in one statement: what only one of them can use up. */
  claim: string
  /** The values of the way's columns. */
  values: Record<string, unknown>
  provider?: { id: string; sid: string | null }
}

/** The columns that every sign-in has, as `name type`. */
const COMMON = [
  'at timestamptz',
  'session_id uuid',
  'event_id uuid',
  'evicted_id uuid',
  'secret_hash bytea',
  'trusted_hash bytea',
  'device_name text',
  'ip_address text',
]

/**
 * Starts the sessions of sign-ins of one way, in one statement that also reads their accounts. It does so for a sign-in
 * only if all that `startSession` requires is true and there is nothing special about it: its device is known to the
 * account, and no other transaction has locked any of its rows. The others do not disturb it, and it says nothing about
 * why: for them, the caller reads and decides step by step.
 *
 * `seen` reads; `held` locks, and requires that the account has not changed meanwhile. It skips rows that are locked,
 * so two batches never wait for each other.
 */
function startSql({ max, columns, found, held, changes, claimed, session = {} }: Way): string {
  return `WITH requested AS MATERIALIZED (
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (${[...COMMON, ...columns].join(', ')}) LIMIT ${max}
   ), seen AS MATERIALIZED (
     SELECT DISTINCT ON (u.id) a.*, u.id AS user_id, u.credential_version AS version, ${found.columns}
     FROM requested a ${found.from} WHERE ${found.where}
   ), held AS MATERIALIZED (
     SELECT s.*, d.id AS device_id, u.session_epoch AS epoch
     FROM seen s JOIN users u ON u.id = s.user_id
     JOIN devices d ON d.user_id = s.user_id AND d.secret_hash = s.secret_hash ${held.join}
     WHERE u.credential_version = s.version AND u.disabled_at IS NULL
       AND ($5 OR u.email_verified_at IS NOT NULL) AND ${held.where}
     FOR NO KEY UPDATE OF u, d, ${held.of} SKIP LOCKED
   ), ${claimed ? `${claimed},` : ''}
   room AS MATERIALIZED (
     SELECT h.*, make_room_for_session(h.user_id, h.epoch, $4, h.at) AS ended
     FROM held h ${claimed ? 'JOIN claimed c ON c.session_id = h.session_id' : ''}
   ), crowded AS (SELECT * FROM room WHERE ended > 0),
   account AS (
     UPDATE users u SET last_login_at = room.at FROM room WHERE u.id = room.user_id
     RETURNING room.session_id, ${accountColumns.join(', ')}
   ), device AS (
     UPDATE devices d SET last_seen = room.at, device_name = coalesce(room.device_name, d.device_name),
       ip_address = coalesce(room.ip_address, d.ip_address)
     FROM room WHERE d.id = room.device_id
   ), ${changes},
   started AS (${insertSql('sessions', startedColumns, 2, 'room', {
     user_id: 'room.user_id',
     epoch: 'room.epoch',
     device_id: 'room.device_id',
     ...session,
   })} WHERE r.id = room.session_id),
   revoked AS (${insertSql('audit_events', auditColumns, 3, 'crowded', {
     ...OWN,
     id: 'crowded.evicted_id',
     action: `'session.revoked'`,
     detail: `jsonb_build_object('because', 'too many sessions', 'count', crowded.ended)`,
     actor_id: 'crowded.user_id',
     subject_id: 'crowded.user_id',
   })} WHERE r.id = crowded.event_id),
   recorded AS (${insertSql('audit_events', auditColumns, 3, 'room', OWN)} WHERE r.id = room.event_id)
   SELECT * FROM account`
}

const OWN = { actor_id: 'room.user_id', subject_id: 'room.user_id' }

/** A sign-in, and its rows as JSON. */
type Member = { sessionId: string; claim: string; requested: string; session: string; event: string }

/** Maps each of these columns, given as `name type`, to itself. */
function namesOf(columns: readonly string[]): Columns {
  const names = columns.map(column => column.split(' ', 1)[0] as string)
  return Object.fromEntries(names.map(name => [name, name]))
}

const commonColumns = namesOf(COMMON)
/** The statement knows the user. */
const { userId: _, providerSid, usedProofs, ...sessionColumns } = startedColumns
const proofColumns = { providerSid, usedProofs }

/** Returns the function that starts sessions of this way, together with those of the same turn of the event loop. */
export function startsTogether(way: Way) {
  const start = statement<[sessionId: string, ...account: unknown[]]>(`start ${way.name}`, startSql(way))
  const ownColumns = namesOf(way.columns)
  const load = togetherFor(
    async (app: App, members: readonly Member[]): Promise<(unknown[] | undefined)[]> => {
      const first = [...new Map([...members].reverse().map(member => [member.claim, member])).values()]
      const rows = await start(app.pool, [
        joined(first.map(({ requested }) => requested)),
        joined(first.map(({ session }) => session)),
        joined(first.map(({ event }) => event)),
        app.config.sessions.max,
        app.config.emailVerification !== 'required',
      ]).catch(forEachAlone)
      const bySession = new Map(rows.map(row => [row[0], row]))
      return members.map(({ sessionId }) => bySession.get(sessionId))
    },
    way.max,
  )

  /** Undefined if the session has not started: see `startSql`. */
  return async (
    app: App,
    signIn: KnownSignIn,
    request: RequestInfo,
  ): Promise<SessionWithAccount | undefined> => {
    // Who acts is not the account alone.
    if (request.impersonatorId !== undefined || request.apiKeyId !== undefined) return undefined
    const { started, member } = prepare(app, signIn, ownColumns, request)
    const row = await load(app, member)
    if (!row) return undefined
    const account = toAccount(app, row, 1)
    started.userId = account.id
    return { account, session: started }
  }
}

/** The session that starts, still without its user. */
function prepare(
  app: App,
  { method, device, remember, deviceName, sessionId, claim, values, provider }: KnownSignIn,
  ownColumns: Columns,
  request: RequestInfo,
): { started: Session; member: Member } {
  const proofs = [{ method, at: app.clock.now() }]
  const started = newSession(app, '', request, { proofs, remember, deviceName, id: sessionId })
  const { id, createdAt: at } = started
  const methods = [method]
  const detail = provider ? { sessionId: id, methods, provider: provider.id } : { sessionId: id, methods }
  const event = toEvent(request, { action: 'session.started', at, detail })
  const common = {
    at,
    session_id: id,
    event_id: event.id,
    evicted_id: newId(),
    secret_hash: device.secretHash,
    trusted_hash: trustedSecretHash(app, device),
    device_name: started.deviceName,
    ip_address: started.ipAddress,
  }
  const proof = { providerSid: provider?.sid, usedProofs: request.provenKey?.proofId }
  const member = {
    sessionId: id,
    claim,
    requested: toRowOfParts([commonColumns, common], [ownColumns, values]),
    session: toRowOfParts([sessionColumns, started], [proofColumns, proof]),
    event: toRows(auditColumns, event),
  }
  return { started, member }
}

/** One JSON array of the elements of several. */
function joined(arrays: readonly string[]): string {
  return `[${arrays.map(array => array.slice(1, -1)).join()}]`
}

/** What the data of one sign-in can cause, such as a text that PostgreSQL cannot store, or a lost race. */
const OF_ONE = /^(22|23|40)/

/** What is wrong with one sign-in must not be the error of the others: each tries alone. */
function forEachAlone(error: unknown): [] {
  if (error instanceof pg.DatabaseError && OF_ONE.test(error.code ?? '')) return []
  throw error
}
