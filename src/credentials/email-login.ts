import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { openTicket, sealTicket, TICKETS } from '../crypto/ticket.ts'
import { batchedLookup } from '../database/batched-lookup.ts'
import { statement } from '../database/client.ts'
import type { Columns } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { EmailLogin, User } from '../generated/prisma/client.ts'
import { EMAIL_CODE_TTL_SECONDS } from '../one-time-tokens/email-request.ts'
import { hashOf, newSecret } from '../one-time-tokens/token.ts'
import {
  countEmailCode,
  EMAIL_CODE_TRIES,
  emailCodeHmac,
  forgiveEmailCode,
  newEmailCode,
  parseEmailCode,
} from './email-code.ts'
import { recordDenial } from './password/prove.ts'
import type { Claim } from './proof.ts'

export const emailLoginColumns = {
  id: 'id',
  userId: 'user_id',
  emailCanonical: 'email_canonical',
  tokenHash: 'token_hash',
  codeHmac: 'code_hmac',
  attempts: 'attempts',
  payload: 'payload',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
} as const satisfies Columns<keyof EmailLogin>

/** What a sign-in by email needs later, besides the address. */
type Payload = {
  /** The address as it was typed, for an account that is created. */
  email: string
  locale: string
  /** Of the account when the email was requested. */
  credentialVersion: number | null
}

export type NewEmailLogin = {
  /** The browser or app that requested the email keeps it: the code is valid only together with it. */
  ticket: string
  expiresAt: Date
  /** Six digits, only for the email. */
  code: string
  /** 256 random bits, only for the link in the email. Valid in any browser. */
  token: string
  row: EmailLogin
}

/**
 * A sign-in by email that begins: a ticket for the client, a code and a token for the email, and their row, which the
 * caller stores. Every address gets a row, so that trying a code takes the same work for all of them. If `sent` is false,
 * no email is sent, and no code and no token fits the row.
 */
export function newEmailLogin(
  app: App,
  { emailCanonical, email, locale }: { emailCanonical: string; email: string; locale: string },
  account: Pick<User, 'id' | 'credentialVersion'> | undefined,
  { sent }: { sent: boolean },
): NewEmailLogin {
  const id = uuidv7()
  const code = newEmailCode()
  const token = newSecret()
  const createdAt = app.clock.now()
  const expiresAt = addSeconds(createdAt, EMAIL_CODE_TTL_SECONDS)
  const payload: Payload = { email, locale, credentialVersion: account?.credentialVersion ?? null }
  const row: EmailLogin = {
    id,
    userId: account?.id ?? null,
    emailCanonical,
    tokenHash: sent ? hashOf(token) : new Uint8Array(randomBytes(32)),
    codeHmac: new Uint8Array(sent ? emailCodeHmac(app, id, code) : randomBytes(32)),
    attempts: 0,
    payload,
    createdAt,
    expiresAt,
  }
  const ticket = sealTicket(app.keys.ticket, TICKETS.emailLogin, { id, emailCanonical }, expiresAt)
  return { ticket, expiresAt, code, token, row }
}

/** A sign-in by email whose code or token is correct. It is used up only when `claim` is made. */
export type ProvedEmailLogin = {
  /** The row's ID. An account that is created receives it, so that deleting the account also deletes the email. */
  id: string
  /** The account that had the address when the email was requested. */
  userId: string | null
  emailCanonical: string
  email: string
  locale: string
  /** The account's credential version when the email was requested; null if there was no account. */
  credentialVersion: number | null
  claim: Claim
}

type Found = [userId: string | null, emailCanonical: string, payload: Payload]

/** Counts a wrong code and compares in one statement, so that of parallel guesses no more than the tries are compared. */
const tryCode = statement<[correct: boolean, ...Found]>(
  'email-login-code',
  `UPDATE email_logins SET attempts = attempts + CASE WHEN code_hmac = $2 THEN 0 ELSE 1 END
   WHERE id = $1 AND attempts < ${EMAIL_CODE_TRIES} AND expires_at > $3
   RETURNING code_hmac = $2, user_id, email_canonical, payload`,
)

/**
 * Verifies a code from an email together with the ticket of its request. Codes for addresses without an account fail
 * in the same way after the same work.
 * @throws AuthError TICKET_INVALID, CODE_INVALID, RATE_LIMITED
 */
export async function proveEmailLoginCode(
  app: App,
  { ticket, code }: { ticket: string; code: string },
  request: RequestInfo,
): Promise<ProvedEmailLogin> {
  const now = app.clock.now()
  type Sealed = { id: string; emailCanonical: string }
  const opened = openTicket<Sealed>(app.keys.ticket, TICKETS.emailLogin, ticket, now)
  if (!opened) throw new AuthError('TICKET_INVALID', { cause: 'unknown or expired' })
  const { id, emailCanonical } = opened.payload
  const digits = parseEmailCode(code)
  if (digits === undefined) throw new AuthError('CODE_INVALID', { cause: 'not six digits' })
  const counted = await countEmailCode(app, emailCanonical, request)
  const [row] = await tryCode(app.pool, [id, emailCodeHmac(app, id, digits), now])
  const [correct = false, ...found] = row ?? []
  if (!correct) {
    await recordDenial(app, found[0] ?? undefined, request)
    throw new AuthError('CODE_INVALID')
  }
  await forgiveEmailCode(app, counted)
  return proved(id, found as Found, () => new AuthError('CODE_INVALID', { cause: 'used before' }))
}

const columns = 'user_id, email_canonical, payload, id, expires_at'
const findByHash = batchedLookup(
  statement(
    'email-login-by-token',
    `SELECT encode(token_hash, 'hex'), ${columns} FROM email_logins WHERE token_hash = decode($1, 'hex')`,
  ),
  statement(
    'email-logins-by-token',
    `SELECT requested.hash, ${columns} FROM string_to_table($1, ',') AS requested (hash)
     JOIN email_logins ON token_hash = decode(requested.hash, 'hex')`,
  ),
)

/**
 * The sign-in that the token of a link belongs to. Using it up is up to the caller: looking at a link, as mail scanners
 * do, leaves it valid.
 * @throws AuthError TOKEN_INVALID
 */
export async function proveEmailLoginToken(app: App, token: string): Promise<ProvedEmailLogin> {
  const row = await findByHash(app.pool, Buffer.from(hashOf(token)).toString('hex'))
  if (!row) throw new AuthError('TOKEN_INVALID')
  const [, userId, emailCanonical, payload, id, expiresAt] = row as [string, ...Found, string, Date]
  if (expiresAt <= app.clock.now()) throw new AuthError('TOKEN_INVALID')
  return proved(id, [userId, emailCanonical, payload], () => new AuthError('TOKEN_INVALID'))
}

function proved(
  id: string,
  [userId, emailCanonical, payload]: Found,
  lost: () => AuthError,
): ProvedEmailLogin {
  return { id, userId, emailCanonical, ...payload, claim: claimOf(id, lost) }
}

/** Uses up the code and the link together, by deleting their row. */
function claimOf(id: string, lost: () => AuthError): Claim {
  return {
    name: 'email-login',
    sql: first =>
      `DELETE FROM email_logins USING account WHERE email_logins.id = $${first}::uuid RETURNING 1`,
    values: [id],
    lost,
  }
}
