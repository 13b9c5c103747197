import type { App } from '../app.ts'
import { auditColumns, record } from '../audit/record.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError, badInput } from '../errors.ts'
import type { AuditEvent, Session } from '../generated/prisma/client.ts'
import { isTime } from '../input.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { requireRecentSignIn } from '../sessions/assurance.ts'
import { sessionColumns } from '../sessions/find-session.ts'
import { revokedAt } from '../sessions/live.ts'

/** The maximum number of rows in one part, so that its memory and time do not grow with the account. */
const ROWS_PER_PART = 10_000
/** Small enough to finish within the statement timeout. */
const BATCH = 2500
/** The first key of the advisory lock. The second key is the account. */
const LOCK = 72_707_371

const lists = ['sessions', 'mails', 'events'] as const
type List = (typeof lists)[number]
/** The last row that was read of a list. `at` matters only in lists that are ordered by time. */
type Place = { at: Date; id: string }
type Row = { id: string; at?: Date }
type Read = (tx: Queryable, userId: string, after: Place, limit: number) => Promise<Row[]>

const BEGINNING: Place = { at: new Date(0), id: '00000000-0000-0000-0000-000000000000' }

/**
 * The viewer's data as JSON text (GDPR, articles 15 and 20): profile, public metadata, identities at providers, API keys, sessions, the latest emails and
 * the account's audit events. Excludes secrets and other people's addresses. Also excludes the private metadata and the
 * reason why an account was disabled, which may concern other people; an administrator decides about those.
 *
 * Each part has at most 10,000 rows. If more follow, the JSON contains `next`, which is the `after` of the next part.
 * Only one export of an account runs at a time, across all replicas.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, BAD_USER_INPUT; RATE_LIMITED, also while another export of the account
 *   is running
 */
export async function exportAccount(
  app: App,
  after: string | null | undefined,
  viewer: Viewer,
  request: RequestInfo,
): Promise<string> {
  await requireRecentSignIn(app, viewer)
  const start = startOf(after)
  const { id } = viewer.account
  await countAttempt(app, [{ rule: 'export.account', subject: id }], request)
  const at = app.clock.now()
  const part = await app.db.$transaction(async tx => {
    await requireLock(tx, id)
    await record(tx, request, { action: 'user.exported', at, actorId: id, subjectId: id })
    return readPart(tx, id, start)
  })
  const {
    passwordHash,
    privateMetadata,
    disabledReason,
    emailCanonical,
    credentialVersion,
    secondFactorRequiredFrom,
    ...profile
  } = viewer.account
  return JSON.stringify({ exportedAt: at, account: profile, ...part }, null, 2)
}

type Start = { list: List; after: Place }

function startOf(after: string | null | undefined): Start {
  if (after == null) return { list: lists[0], after: BEGINNING }
  const [name, id = '', time = ''] = after.split(' ', 3)
  const list = lists.find(known => known === name)
  if (!list || !isId(id) || !isTime(time)) {
    throw badInput({ after: ['Use the value of `next` from the previous part.'] })
  }
  return { list, after: { at: new Date(time), id } }
}

function nextOf({ list, after: { at, id } }: Start): string {
  return `${list} ${id} ${at.toISOString()}`
}

/** Fails instead of waiting, because each waiting export would occupy a database connection. */
async function requireLock(tx: Queryable, id: string): Promise<void> {
  const [lock] = await tx.$queryRaw<{ acquired: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(${LOCK}::int, hashtext(${id})) AS acquired`
  if (lock?.acquired) return
  throw new AuthError('RATE_LIMITED', {
    message: 'Another export of this account is running. Try again when it has finished.',
    extensions: { retryAfter: 1 },
  })
}

/** The second factors, without anything that proves them. */
async function factorsOf(tx: Queryable, userId: string): Promise<object> {
  const authenticatorApp = await tx.totp.findUnique({ where: { userId }, select: { createdAt: true } })
  const recoveryCodes = await tx.recoveryCode.findMany({
    where: { userId },
    orderBy: { slot: 'asc' },
    select: { usedAt: true },
  })
  const passkeys = await tx.passkey.findMany({
    where: { userId },
    orderBy: { id: 'asc' },
    select: { name: true, transports: true, backedUp: true, createdAt: true, lastUsedAt: true },
  })
  return { authenticatorApp, recoveryCodes, passkeys }
}

/** What this server stores of a person's accounts at providers, without the providers' tokens. */
function identitiesOf(tx: Queryable, userId: string): Promise<object[]> {
  return tx.identity.findMany({
    where: { userId },
    orderBy: { id: 'asc' },
    select: {
      provider: true,
      issuer: true,
      subject: true,
      email: true,
      displayName: true,
      createdAt: true,
      lastUsedAt: true,
    },
  })
}

/** The API keys, without what proves them. */
function apiKeysOf(tx: Queryable, userId: string): Promise<object[]> {
  return tx.apiKey.findMany({
    where: { userId },
    orderBy: { createdAt: 'asc' },
    select: { id: true, name: true, permissions: true, createdAt: true, expiresAt: true, lastUsedAt: true },
  })
}

type Part = Record<List | 'devices' | 'identities' | 'apiKeys', object[]> & { factors: object; next?: string }

async function readPart(tx: Queryable, userId: string, start: Start): Promise<Part> {
  // An account has only a few devices, so every part contains all of them.
  const devices = await tx.device.findMany({
    where: { userId },
    orderBy: { id: 'asc' },
    select: { firstSeen: true, lastSeen: true, trustedUntil: true, deviceName: true, ipAddress: true },
  })
  const identities = await identitiesOf(tx, userId)
  const factors = await factorsOf(tx, userId)
  const apiKeys = await apiKeysOf(tx, userId)
  const part: Part = { sessions: [], devices, identities, factors, apiKeys, mails: [], events: [] }
  let left = ROWS_PER_PART
  for (const list of lists.slice(lists.indexOf(start.list))) {
    let after = list === start.list ? start.after : BEGINNING
    for (;;) {
      if (left === 0) return { ...part, next: nextOf({ list, after }) }
      const limit = Math.min(BATCH, left)
      const rows = await read[list](tx, userId, after, limit)
      part[list].push(...rows.map(row => show[list](row, userId)))
      left -= rows.length
      const last = rows.at(-1)
      if (last) after = { at: last.at ?? BEGINNING.at, id: last.id }
      if (rows.length < limit) break
    }
  }
  return part
}

/** Listed by name, so that a column added to sessions later is not exported automatically. */
const shownOfSession = [
  'id',
  'createdAt',
  'lastUsedAt',
  'authenticatedAt',
  'rotatedAt',
  'expiresAt',
  'absoluteExpiresAt',
  'idleTtlSeconds',
  'remembered',
  'ipAddress',
  'userAgent',
  'deviceName',
] as const satisfies (keyof Session)[]

const selectSessions = `
  SELECT ${shownOfSession.map(field => `s.${sessionColumns[field]} AS "${field}"`).join(', ')},
    ${revokedAt} AS "revokedAt", s.key_thumbprint IS NOT NULL AS "boundToKey"
  FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.user_id = $1::uuid AND s.id > $2::uuid ORDER BY s.id LIMIT $3`

/** Each half reads its own index from the last row on, so that the time does not grow with the number of events. */
const selectEvents = `
  WITH own AS (${eventsBy('subject_id')} UNION ${eventsBy('actor_id')})
  SELECT ${Object.entries(auditColumns).map(([field, column]) => `e.${column} AS "${field}"`)}
  FROM own JOIN audit_events e USING (id, at) ORDER BY e.at, e.id LIMIT $4`

function eventsBy(column: 'subject_id' | 'actor_id'): string {
  return `(SELECT id, at FROM audit_events WHERE ${column} = $1::uuid AND (at, id) > ($2::timestamptz, $3::uuid) AND at >= $2::timestamptz
    ORDER BY at, id LIMIT $4)`
}

const read: Record<List, Read> = {
  sessions: (tx, userId, after, limit) => tx.$queryRawUnsafe<Row[]>(selectSessions, userId, after.id, limit),
  mails: (tx, userId, after, limit) =>
    tx.mail.findMany({
      where: { userId, id: { gt: after.id } },
      orderBy: { id: 'asc' },
      take: limit,
      select: { id: true, template: true, recipient: true, createdAt: true, sentAt: true },
    }),
  events: (tx, userId, after, limit) =>
    tx.$queryRawUnsafe<AuditEvent[]>(selectEvents, userId, after.at, after.id, limit),
}

const show: Record<List, (row: Row, userId: string) => object> = {
  sessions: row => row,
  mails: ({ id, ...mail }) => mail,
  events: (row, userId) => shownEvent(row as AuditEvent, userId),
}

/** Omits where, why and with which key another person acted on the account, and the person on whom the owner acted. */
function shownEvent(
  { at, action, actorId, subjectId, ipAddress, userAgent, detail }: AuditEvent,
  id: string,
) {
  const byOther = actorId !== null && actorId !== id
  const toOther = subjectId !== null && subjectId !== id
  return {
    at,
    action,
    by: byOther ? 'another account' : actorId === null ? 'unknown' : 'you',
    ...(!byOther && { ipAddress, userAgent }),
    ...(!toOther && { detail: byOther ? withoutActor(detail) : detail }),
  }
}

function withoutActor(detail: AuditEvent['detail']) {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return detail
  const { reason, viaApiKeyId, ...rest } = detail
  return rest
}
