import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import pg from 'pg'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import {
  BeginPasskeyRegistration,
  Login,
  LoginWithEmail,
  Register,
  RegisterWithPasskey,
  RequestEmailLogin,
  RequestPasswordReset,
  ResendVerificationEmail,
} from '../support/operations.ts'
import { begun } from '../support/passkeys.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'
import { startSmtp } from '../support/smtp.ts'
import { compare, expectToRevealNothing, type Timed } from '../support/timing.ts'

/**
 * Measures whether response times reveal who has an account: `npm run test:timing`. Not part of `npm test`, because it
 * takes a few minutes and nothing else should run beside it.
 */
const NAMES = 50
/** Requests for emails are answered after a fixed time. */
const HELD_BACK_AT_A_TIME = 8
const ORIGIN = 'http://localhost:4000'
const MANY = '100000/1h'

/** A sixteenth of the hashing cost in production, so that differences in the other work stand out as much more. */
const SETTINGS = {
  PUBLIC_URL: ORIGIN,
  ARGON2_MEMORY_KIB: '1216',
  ARGON2_TIME_COST: '2',
  LIMIT_LOGIN_ACCOUNT: MANY,
  LIMIT_LOGIN_NETWORK: MANY,
  LIMIT_WORK_NETWORK: MANY,
  LIMIT_REGISTER_NETWORK: MANY,
  LIMIT_MAIL_ADDRESS: MANY,
  LIMIT_MAIL_NETWORK: MANY,
  LIMIT_EMAIL_CODE_ACCOUNT: MANY,
  EMAIL_LOGIN: 'on',
}

let database: TestDatabase
let smtp: Awaited<ReturnType<typeof startSmtp>>
const servers: ServerProcess[] = []
/** Of the server with open registration, of one that requires verified addresses, and of one with closed registration. */
let open: string
let verifying: string
let closed: string
/** Accounts that the stranger who measures did not register, and those of people with more or less than a password. */
let known: string[]
let disabled: string[]
let protectedByTotp: string[]
let passwordless: string[]

beforeAll(async () => {
  database = await createDatabase()
  smtp = await startSmtp()
  open = await start({})
  verifying = await start({ EMAIL_VERIFICATION: 'required' })
  closed = await start({ REGISTRATION: 'closed' })
  known = await accounts()
  disabled = await accounts('UPDATE users SET disabled_at = now() WHERE email = ANY($1)')
  protectedByTotp = await accounts(
    `INSERT INTO totp (user_id, sealed_secret, algorithm, digits, period_seconds, last_step, created_at)
     SELECT id, 'none', 'SHA1', 6, 30, 0, now() FROM users WHERE email = ANY($1)`,
  )
  passwordless = await accounts('UPDATE users SET password_hash = NULL WHERE email = ANY($1)')
}, 300_000)

afterAll(async () => {
  for (const server of servers) {
    server.kill('SIGTERM')
    await server.ended
  }
  await smtp?.close()
  await database?.drop()
})

test('a wrong password: no account, or one with more or less than a password', async () => {
  const kinds = { unknown: names(), known, disabled, protected: protectedByTotp, passwordless }
  expectToRevealNothing(await compare('login', kinds, wrongPassword(open)))
}, 600_000)

test('a wrong password, where addresses must be verified', async () => {
  const kinds = { unknown: names(), known }
  expectToRevealNothing(await compare('login, with verification', kinds, wrongPassword(verifying)))
}, 600_000)

test('a password that the stranger registered for the address, where addresses must be verified', async () => {
  const mine = 'a stranger’s own password'
  const kinds = { free: names(), taken: known }
  for (const email of Object.values(kinds).flat())
    await send(verifying, Register, { input: { email, password: mine } })
  const attempt = async (identifier: string, timed: Timed) => {
    const reply = await timed(() => send(verifying, Login, { input: { identifier, password: mine } }))
    expect(codes(reply)).toEqual(['EMAIL_NOT_VERIFIED'])
  }
  expectToRevealNothing(await compare('login with a registered password', kinds, attempt))
}, 600_000)

test('a registration, where addresses must be verified', async () => {
  const kinds = { new: ['new'], known }
  const attempt = async (name: string, timed: Timed) => {
    const input = { email: name === 'new' ? newAddress() : name, password: PASSWORD }
    expect(codes(await timed(() => send(verifying, Register, { input })))).toEqual([])
  }
  expectToRevealNothing(await compare('register, with verification', kinds, attempt))
}, 600_000)

test('the options of a passkey, and a registration with one, where addresses must be verified', async () => {
  const kinds = { new: ['new'], known }
  const options = await compare('options of a passkey', kinds, async (name, timed) => {
    await passkeyOptions(name === 'new' ? newAddress() : name, timed)
  })
  const answer = await compare('register with a passkey', kinds, async (name, timed) => {
    const ceremony = await passkeyOptions(name === 'new' ? newAddress() : name, request => request())
    const created = new SoftAuthenticator(ORIGIN).create(ceremony.options)
    const passkey = { ticket: ceremony.ticket, credential: created as unknown as Record<string, unknown> }
    const reply = await timed(() => send(verifying, RegisterWithPasskey, { input: { passkey } }))
    expect(codes(reply)).toEqual([])
  })
  expectToRevealNothing([...options, ...answer])
}, 600_000)

test('a request to reset the password', async () => {
  const kinds = { unknown: names(), known, disabled, passwordless }
  const attempt = async (email: string, timed: Timed) => {
    expect(codes(await timed(() => send(open, RequestPasswordReset, { input: { email } })))).toEqual([])
  }
  expectToRevealNothing(await compare('reset', kinds, attempt, HELD_BACK_AT_A_TIME))
}, 600_000)

test('a request for another verification email', async () => {
  const kinds = { unknown: names(), known }
  const attempt = async (email: string, timed: Timed) => {
    expect(codes(await timed(() => send(open, ResendVerificationEmail, { input: { email } })))).toEqual([])
  }
  expectToRevealNothing(await compare('another verification email', kinds, attempt, HELD_BACK_AT_A_TIME))
}, 600_000)

test('a request to sign in by email: with open registration every address receives one, otherwise not', async () => {
  const asked = (way: string, url: string) => {
    const kinds = { unknown: names(), known, disabled, protected: protectedByTotp }
    const attempt = async (email: string, timed: Timed) => void (await requestEmail(url, email, timed))
    return compare(way, kinds, attempt, HELD_BACK_AT_A_TIME)
  }
  expectToRevealNothing([
    ...(await asked('email to sign in', open)),
    ...(await asked('email to sign in, registration closed', closed)),
  ])
}, 600_000)

test('a wrong code of an email, whether or not one was sent', async () => {
  const kinds = { unknown: names(), known }
  const tickets = new Map<string, string>()
  for (const email of Object.values(kinds).flat()) tickets.set(email, await requestEmail(closed, email))
  const attempt = async (email: string, timed: Timed) => {
    const input = { ticket: tickets.get(email) ?? '', code: '000000' }
    expect(codes(await timed(() => send(closed, LoginWithEmail, { input })))).toEqual(['CODE_INVALID'])
  }
  expectToRevealNothing(await compare('wrong emailed code', kinds, attempt))
}, 600_000)

async function start(settings: Record<string, string>): Promise<string> {
  const all = { ...SETTINGS, ...settings, DATABASE_URL: database.url, SMTP_URL: smtp.url }
  const server = await startProcess(all)
  servers.push(server)
  if (!server.url) throw new Error(`it did not start: ${server.stderr.join('\n')}`)
  return server.url
}

function names(): string[] {
  return Array.from({ length: NAMES }, () => newAddress())
}

/** Accounts with a password, after this change. */
async function accounts(change?: string): Promise<string[]> {
  const emails = names()
  for (const email of emails)
    expect(codes(await send(open, Register, { input: { email, password: PASSWORD } }))).toEqual([])
  const client = new pg.Client(database.url)
  await client.connect()
  if (change) await client.query(change, [emails])
  await client.end()
  return emails
}

function wrongPassword(url: string) {
  return async (identifier: string, timed: Timed) => {
    const input = { identifier, password: 'a wrong guess' }
    expect(codes(await timed(() => send(url, Login, { input })))).toEqual(['INVALID_CREDENTIALS'])
  }
}

async function passkeyOptions(email: string, timed: Timed) {
  const { data, errors } = await timed(() => send(verifying, BeginPasskeyRegistration, { input: { email } }))
  return begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskeyRegistration, errors)
}

async function requestEmail(url: string, email: string, timed: Timed = request => request()) {
  const { data, errors } = await timed(() => send(url, RequestEmailLogin, { input: { email } }))
  expect(errors).toEqual([])
  return data?.requestEmailLogin.ticket ?? ''
}
