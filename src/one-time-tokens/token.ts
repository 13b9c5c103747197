import { createHash, randomBytes } from 'node:crypto'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { batchedLookup } from '../database/batched-lookup.ts'
import { type Queryable, statement, toRecord } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken, Prisma } from '../generated/prisma/client.ts'
import { networkOf } from '../network/address.ts'
import { type Attempt, countAttempt } from '../rate-limit/limit.ts'

const TOKEN_BYTES = 32
const HOUR = 3600
const DAY = 24 * HOUR

/** How many seconds a token is good for, by what it is for. */
const LIFE_SECONDS = {
  registration: DAY,
  verify: DAY,
  reset: HOUR / 2,
  invitation: 7 * DAY,
  'email-change': HOUR,
  'email-undo': 7 * DAY,
} as const

/** How many seconds a link is valid, by its purpose. */
export function lifeSecondsOf(purpose: TokenPurpose): number {
  return LIFE_SECONDS[purpose]
}

export type TokenPurpose = keyof typeof LIFE_SECONDS

export type TokenRequest = {
  purpose: TokenPurpose
  /** The account, or an id of its own; a newer token of the same purpose and subject ends the older. */
  subject: string
  /** The account, where there is one. */
  userId?: string | undefined
  /** The address that it is sent to. */
  emailCanonical: string
  /** What takes effect with it. Never a secret but a password's hash. */
  payload?: Prisma.InputJsonObject | undefined
}

export type IssuedToken = {
  /** For the link of a mail and nowhere else: 256 random bits. */
  token: string
  expiresAt: Date
}

export const tokenColumns = {
  purpose: 'purpose',
  subject: 'subject',
  hash: 'hash',
  userId: 'user_id',
  emailCanonical: 'email_canonical',
  payload: 'payload',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  usedAt: 'used_at',
} as const satisfies Record<keyof EmailToken, string>

/** A token and its row, to be stored by the caller's statement; see `tokensSql`. */
export function newToken(app: App, wanted: TokenRequest): IssuedToken & { row: EmailToken } {
  const { purpose, subject, userId, emailCanonical, payload } = wanted
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  const createdAt = app.clock.now()
  const expiresAt = addSeconds(createdAt, LIFE_SECONDS[purpose])
  const row = {
    purpose,
    subject,
    hash: hashOf(token),
    userId: userId ?? null,
    emailCanonical,
    payload: (payload ?? {}) as EmailToken['payload'],
    createdAt,
    expiresAt,
    usedAt: null,
  }
  return { token, expiresAt, row }
}

/** SQL that stores the token rows of the JSON parameter `$parameter`, each in the place of its predecessor. */
export function tokensSql(parameter: number): string {
  const replaced = Object.values(tokenColumns).filter(column => column !== 'purpose' && column !== 'subject')
  return `${insertSql('email_tokens', tokenColumns, parameter)}
    ON CONFLICT (purpose, subject) DO UPDATE SET ${replaced.map(column => `${column} = excluded.${column}`).join(', ')}`
}

const store = tokensSql(1)

/** Stores a new token in the caller's transaction; those of the same purpose and subject end. */
export async function issueToken(app: App, tx: Queryable, wanted: TokenRequest): Promise<IssuedToken> {
  const { row, ...issued } = newToken(app, wanted)
  await storeToken(tx, row)
  return issued
}

/** Stores the row of a new token in the caller's transaction; those of the same purpose and subject end. */
export async function storeToken(tx: Queryable, row: EmailToken): Promise<void> {
  await tx.$executeRawUnsafe(store, toRows(tokenColumns, row))
}

const tokenFields = Object.keys(tokenColumns)
const rowColumns = Object.values(tokenColumns).map(column => `t.${column}`)
const tokenColumnsByHash = ["encode(t.hash, 'hex')", ...rowColumns].join(', ')
const findByHash = batchedLookup(
  statement(
    'email-token-by-hash',
    `SELECT ${tokenColumnsByHash} FROM email_tokens t WHERE t.hash = decode($1, 'hex')`,
  ),
  statement(
    'email-tokens-by-hash',
    `SELECT ${tokenColumnsByHash} FROM string_to_table($1, ',') AS wanted (hash)
     JOIN email_tokens t ON t.hash = decode(wanted.hash, 'hex')`,
  ),
)

/**
 * The row of a token that is still good, without using it up: for what must be known before its transaction,
 * such as whose new password is to be hashed. A flood of bad tokens costs one query in each turn of the event loop.
 * @throws AuthError TOKEN_INVALID
 */
export async function peekToken(app: App, token: string, ...purposes: TokenPurpose[]): Promise<EmailToken> {
  const found = await findByHash(app.pool, Buffer.from(hashOf(token)).toString('hex'))
  const row = found && toRecord<EmailToken>(tokenFields, found, 1)
  const isGood =
    row &&
    purposes.some(purpose => purpose === row.purpose) &&
    row.usedAt === null &&
    row.expiresAt > app.clock.now()
  if (!isGood) throw new AuthError('TOKEN_INVALID')
  return row
}

/**
 * Uses a token up, in the transaction of its effect: of many at once one gets the row. Change the account first, as
 * everything does that ends tokens, or the two deadlock.
 * @throws AuthError TOKEN_INVALID when it is unknown, expired, replaced or used; roll back
 */
export async function redeemToken(
  app: App,
  tx: Queryable,
  token: string,
  ...purposes: TokenPurpose[]
): Promise<EmailToken> {
  const [row] = await tx.emailToken.updateManyAndReturn({
    where: goodToken(app, token, purposes),
    data: { usedAt: app.clock.now() },
  })
  if (!row) throw new AuthError('TOKEN_INVALID')
  return row
}

function goodToken(app: App, token: string, purposes: TokenPurpose[]): Prisma.EmailTokenWhereInput {
  return {
    hash: hashOf(token),
    purpose: { in: purposes },
    usedAt: null,
    expiresAt: { gt: app.clock.now() },
  }
}

function hashOf(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(token).digest())
}

/**
 * Ends what the account's mails still allow when its password or address changes. Links that take an old address
 * back stay good: whoever changes both must not lock the owner out.
 */
export async function endTokens(app: App, tx: Queryable, userId: string): Promise<void> {
  await tx.emailToken.updateMany({
    where: { userId, usedAt: null, purpose: { in: ['reset', 'invitation', 'email-change'] } },
    data: { usedAt: app.clock.now() },
  })
}

/**
 * Counts a token that is no good against the network that it came from; one that is good never counts.
 * @throws what `redeem` throws; AuthError RATE_LIMITED instead of TOKEN_INVALID
 */
export async function countBadTokens<Result>(
  app: App,
  request: RequestInfo,
  redeem: () => Promise<Result>,
): Promise<Result> {
  try {
    return await redeem()
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== 'TOKEN_INVALID') throw error
    const attempt: Attempt = { rule: 'token.network', subject: networkOf(request.ipAddress) }
    await countAttempt(app, [attempt], request)
    throw error
  }
}
