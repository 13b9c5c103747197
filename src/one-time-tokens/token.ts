import { hash } from 'node:crypto'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { randomBytes } from '../crypto/random.ts'
import { batchedLookup } from '../database/batched-lookup.ts'
import { type Queryable, recordReader, statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken, Prisma } from '../generated/prisma/client.ts'
import { networkOf } from '../network/address.ts'
import { type Attempt, countAttempt } from '../rate-limit/limit.ts'

const TOKEN_BYTES = 32

/** 256 random bits in base64url, for the link of an email or a client. The database stores `hashOf` of them. */
export function newSecret(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/** SHA-256 of a token or secret: what the database stores of it. */
export function hashOf(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hash('sha256', token, 'buffer'))
}

const HOUR = 3600
const DAY = 24 * HOUR

/** How many seconds a token is valid, by its purpose. */
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
  /** The account's ID, or another ID. A newer token with the same purpose and subject replaces the older one. */
  subject: string
  /** The account, if there is one. */
  userId?: string | undefined
  /** The address that the token is sent to. */
  emailCanonical: string
  /** The change that takes effect with the token. Contains no secret other than a password hash. */
  payload?: Prisma.InputJsonObject | undefined
}

export type IssuedToken = {
  /** 256 random bits. Use it only in the link of an email. */
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

/** A new token and its row, which the caller stores; see `tokensSql`. */
export function newToken(app: App, requested: TokenRequest): IssuedToken & { row: EmailToken } {
  const { purpose, subject, userId, emailCanonical, payload } = requested
  const token = newSecret()
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

/** SQL that stores the token rows of the JSON parameter `$parameter`. Each replaces its predecessor. */
export function tokensSql(parameter: number): string {
  const replaced = Object.values(tokenColumns).filter(column => column !== 'purpose' && column !== 'subject')
  return `${insertSql('email_tokens', tokenColumns, parameter)}
    ON CONFLICT (purpose, subject) DO UPDATE SET ${replaced.map(column => `${column} = excluded.${column}`).join(', ')}`
}

const store = tokensSql(1)

/** Issues and stores a token in the caller's transaction. It replaces the one with the same purpose and subject. */
export async function issueToken(app: App, tx: Queryable, requested: TokenRequest): Promise<IssuedToken> {
  const { row, ...issued } = newToken(app, requested)
  await storeToken(tx, row)
  return issued
}

/** Stores a new token's row in the caller's transaction. It replaces the one with the same purpose and subject. */
export async function storeToken(tx: Queryable, row: EmailToken): Promise<void> {
  await tx.$executeRawUnsafe(store, toRows(tokenColumns, row))
}

const readToken = recordReader<EmailToken>(Object.keys(tokenColumns))
const rowColumns = Object.values(tokenColumns).map(column => `t.${column}`)
const tokenColumnsByHash = ["encode(t.hash, 'hex')", ...rowColumns].join(', ')
const findByHash = batchedLookup(
  statement(
    'email-token-by-hash',
    `SELECT ${tokenColumnsByHash} FROM email_tokens t WHERE t.hash = decode($1, 'hex')`,
  ),
  statement(
    'email-tokens-by-hash',
    `SELECT ${tokenColumnsByHash} FROM string_to_table($1, ',') AS requested (hash)
     JOIN email_tokens t ON t.hash = decode(requested.hash, 'hex')`,
  ),
)

/**
 * Returns the row of a valid token without redeeming it, for work before the transaction that needs it, such as hashing
 * a new password. All calls in one turn of the event loop share one query, so a flood of invalid tokens costs little.
 * @throws AuthError TOKEN_INVALID
 */
export async function peekToken(app: App, token: string, ...purposes: TokenPurpose[]): Promise<EmailToken> {
  const row = await findToken(app, token)
  const isValid =
    row &&
    purposes.some(purpose => purpose === row.purpose) &&
    row.usedAt === null &&
    row.expiresAt > app.clock.now()
  if (!isValid) throw new AuthError('TOKEN_INVALID')
  return row
}

/** The row of a token, even if it was used or has expired; undefined if there is none. */
export async function findToken(app: App, token: string): Promise<EmailToken | undefined> {
  const found = await findByHash(app.pool, Buffer.from(hashOf(token)).toString('hex'))
  return found && readToken(found, 1)
}

/**
 * Redeems a token in the transaction of its effect. Of parallel calls, only one gets the row. Change the account first in
 * the transaction, as all code that ends tokens does; otherwise two transactions can deadlock.
 * @throws AuthError TOKEN_INVALID if the token is unknown, expired, replaced or used; roll back
 */
export async function redeemToken(
  app: App,
  tx: Queryable,
  token: string,
  ...purposes: TokenPurpose[]
): Promise<EmailToken> {
  const [row] = await tx.emailToken.updateManyAndReturn({
    where: validToken(app, token, purposes),
    data: { usedAt: app.clock.now() },
  })
  if (!row) throw new AuthError('TOKEN_INVALID')
  return row
}

function validToken(app: App, token: string, purposes: TokenPurpose[]): Prisma.EmailTokenWhereInput {
  return {
    hash: hashOf(token),
    purpose: { in: purposes },
    usedAt: null,
    expiresAt: { gt: app.clock.now() },
  }
}

/**
 * Ends the account's emailed links when its password or address changes. Links that undo a change of address stay valid,
 * so that a thief who changes both cannot lock the owner out.
 */
export async function endTokens(app: App, tx: Queryable, userId: string): Promise<void> {
  await tx.emailToken.updateMany({
    where: { userId, usedAt: null, purpose: { in: ['reset', 'invitation', 'email-change'] } },
    data: { usedAt: app.clock.now() },
  })
}

/**
 * Counts an invalid token against the network that it came from. Valid tokens never count.
 * @throws the error of `redeem`; AuthError RATE_LIMITED instead of TOKEN_INVALID
 */
export async function countInvalidTokens<Result>(
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
