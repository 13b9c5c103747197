import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import pg from 'pg'
import { systemClock } from '../../src/clock.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { build } from '../support/cli.ts'
import { AuthenticatorApp } from '../support/factors.ts'
import {
  AddPasskey,
  BeginPasskey,
  BeginPasskeyLogin,
  BeginTotp,
  ConfirmTotp,
  LoginSteps,
  LoginWithEmail,
  LoginWithPasskey,
  Register,
  RequestEmailLogin,
  RequestFactorRecovery,
  SendEmailCode,
} from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, type Reply, send } from '../support/service.ts'
import { type Smtp, startSmtp } from '../support/smtp.ts'

jest.setTimeout(10 * 60_000)

/** Of each kind, before each kill. */
const EACH = 2
const ORIGIN = 'http://localhost:4000'
const MANY = '1000000/1h'

let database: TestDatabase
let pool: pg.Pool
let smtp: Smtp
let server: ServerProcess
let url: string

beforeAll(async () => {
  await build()
  database = await createDatabase()
  smtp = await startSmtp()
  pool = new pg.Pool({ connectionString: database.url, max: 2 })
})
afterAll(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await smtp?.close()
  await pool?.end()
  await database?.drop()
})

async function startServing(): Promise<void> {
  server = await startProcess({
    LIMIT_REGISTER_NETWORK: MANY,
    LIMIT_MAIL_NETWORK: MANY,
    LIMIT_LOGIN_NETWORK: MANY,
    LIMIT_WORK_NETWORK: MANY,
    HASH_WAIT_MS: '30000',
    EMAIL_LOGIN: 'on',
    FACTOR_RECOVERY_WAIT: '1h',
    PUBLIC_URL: ORIGIN,
    SMTP_URL: smtp.url,
    DATABASE_URL: database.url,
  })
  if (!server.url) throw new Error(`it did not start: ${server.stderr.join('\n')}`)
  url = server.url
}

/** What an answer contains. */
function data<Data>({ data: given, errors }: Reply<Data>): Data {
  if (!given || errors.length > 0) throw new Error(JSON.stringify(errors))
  return given
}

async function register(): Promise<{ id: string; email: string; token: string }> {
  const email = newAddress()
  const { register: made } = data(await send(url, Register, { input: { email, password: PASSWORD } }))
  if (made.__typename !== 'AuthPayload') throw new Error(made.__typename)
  // Notices go to verified addresses only.
  await pool.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [made.user.id])
  return { id: made.user.id, email, token: made.accessToken }
}

/** The newest code in the emails to an address, once there are `count` of them. */
async function mailed(address: string, count: number): Promise<string> {
  const found = () =>
    smtp.mails
      .filter(({ to }) => to?.some(each => each.address === address))
      .flatMap(({ text }) => text?.match(/^\d{6}$/m)?.[0] ?? [])
  const deadline = Date.now() + 60_000
  while (found().length < count) {
    if (Date.now() > deadline) throw new Error(`no ${count} codes for ${address}`)
    await sleep(20)
  }
  return found().at(-1) ?? ''
}

type State = Record<string, unknown>

/** A request that is ready to be sent, and what must be true whatever happens to it. */
type Step = {
  kind: string
  send: () => Promise<Reply<unknown>>
  /** What the database has of it. */
  state: () => Promise<State>
  whole: State
  nothing: State
  /** Does the same again, or goes on: whichever of the two the state allows. */
  goOn: (isWhole: boolean) => Promise<void>
  answered?: boolean
}

async function stateOf(sql: string, ...values: string[]): Promise<State> {
  const { rows } = await pool.query<State>(`SELECT ${sql}`, values)
  return rows[0] ?? {}
}

const count = (from: string) => `(SELECT count(*)::int FROM ${from})`
const event = (action: string) => count(`audit_events WHERE subject_id = $1 AND action = '${action}'`)
const email = (template: string) =>
  `(SELECT count(*)::int FROM mails WHERE user_id = $1 AND template = '${template}')`

async function passkeyStep(): Promise<Step> {
  const { id, token } = await register()
  const begun = data(await send(url, BeginPasskey, {}, { token })).beginPasskey
  const authenticator = new SoftAuthenticator(ORIGIN)
  const credential = authenticator.create(begun.options as unknown as PublicKeyCredentialCreationOptionsJSON)
  const passkey = { ticket: begun.ticket, credential: credential as unknown as Record<string, unknown> }
  const add = () => send(url, AddPasskey, { input: { passkey } }, { token })
  return {
    kind: 'passkeys',
    send: add,
    state: () =>
      stateOf(
        `${count('passkeys WHERE user_id = $1')} AS passkeys, ${count('recovery_codes WHERE user_id = $1')} AS codes,
         ${count('sessions WHERE user_id = $1 AND passkey_at IS NOT NULL')} AS strong,
         ${event('factor.added')} AS events, ${email('factor-added')} AS notices,
         (SELECT credential_version FROM users WHERE id = $1) AS version`,
        id,
      ),
    whole: { passkeys: 1, codes: 10, strong: 1, events: 1, notices: 1, version: 1 },
    nothing: { passkeys: 0, codes: 0, strong: 0, events: 0, notices: 0, version: 0 },
    goOn: async isWhole => {
      if (!isWhole) return void data(await add())
      const { ticket, options } = data(await send(url, BeginPasskeyLogin)).beginPasskeyLogin
      const answer = authenticator.get(options as never) as unknown as Record<string, unknown>
      data(await send(url, LoginWithPasskey, { input: { passkey: { ticket, credential: answer } } }))
    },
  }
}

const SESSIONS = `${count('sessions WHERE user_id = $1 AND email_at IS NOT NULL')} AS sessions,
  ${count(`audit_events WHERE subject_id = $1 AND action = 'session.started' AND detail->'methods' ? 'EMAIL'`)} AS starts`

async function requestEmail(address: string): Promise<string> {
  return data(await send(url, RequestEmailLogin, { input: { email: address } })).requestEmailLogin.ticket
}

async function emailLoginStep(): Promise<Step> {
  const { id, email: address } = await register()
  const ticket = await requestEmail(address)
  const code = await mailed(address, 1)
  const signIn = () => send(url, LoginWithEmail, { input: { ticket, code } })
  return {
    kind: 'sign-ins by email',
    send: signIn,
    state: () => stateOf(`${SESSIONS}, ${count('email_logins WHERE user_id = $1')} AS codes`, id),
    whole: { sessions: 1, starts: 1, codes: 0 },
    nothing: { sessions: 0, starts: 0, codes: 1 },
    // What signed in does not sign in again; what did not still does.
    goOn: async isWhole => expect(codes(await signIn())).toEqual(isWhole ? ['CODE_INVALID'] : []),
  }
}

/** An account is created before its session starts, so between the two it has none yet, and another email starts one. */
async function emailSignUpStep(): Promise<Step> {
  const address = newAddress()
  const ticket = await requestEmail(address)
  const code = await mailed(address, 1)
  const signIn = (given: { ticket: string; code: string }) => send(url, LoginWithEmail, { input: given })
  const step: Step = {
    kind: 'sign-ups by email',
    send: () => signIn({ ticket, code }),
    state: () =>
      stateOf(
        `${count('users WHERE email_canonical = $1 AND email_verified_at IS NOT NULL')} AS accounts,
         ${count(`user_roles r JOIN users u ON u.id = r.user_id WHERE u.email_canonical = $1`)} AS roles,
         ${count(`audit_events e JOIN users u ON u.id = e.subject_id
           WHERE u.email_canonical = $1 AND e.action = 'user.registered'`)} AS events,
         ${count('email_logins WHERE email_canonical = $1')} AS codes`,
        address,
      ),
    whole: { accounts: 1, roles: 1, events: 1, codes: 0 },
    nothing: { accounts: 0, roles: 0, events: 0, codes: 1 },
    goOn: async isWhole => {
      if (!isWhole) return void data(await signIn({ ticket, code }))
      const { id } = await stateOf('id FROM users WHERE email_canonical = $1', address)
      const { sessions, starts } = await stateOf(SESSIONS, String(id))
      expect(starts).toBe(sessions)
      if (step.answered) expect(sessions).toBe(1)
      expect(codes(await signIn({ ticket, code }))).toEqual(['CODE_INVALID'])
      const again = await requestEmail(address)
      expect(codes(await signIn({ ticket: again, code: await mailed(address, 2) }))).toEqual([])
    },
  }
  return step
}

/** An account with an authenticator app. */
async function enrolled(): Promise<{ id: string; email: string }> {
  const { id, email: address, token } = await register()
  const { ticket, secret } = data(await send(url, BeginTotp, {}, { token })).beginTotp
  const code = new AuthenticatorApp({ clock: systemClock as never }, secret).code()
  data(await send(url, ConfirmTotp, { input: { ticket, code } }, { token }))
  return { id, email: address }
}

/** A sign-in with the password, and the code that was emailed for its ticket. */
async function recoveryProofs(address: string, emails: number) {
  const input = { identifier: address, password: PASSWORD }
  const { login } = data(await send(url, LoginSteps, { input }))
  if (login.__typename !== 'SecondFactorRequired') throw new Error(login.__typename)
  const { ticket } = login
  data(await send(url, SendEmailCode, { input: { ticket } }))
  return { ticket, emailCode: await mailed(address, emails) }
}

const recover = (input: { ticket: string; emailCode: string }) => send(url, RequestFactorRecovery, { input })

async function recoveryBeginStep(): Promise<Step> {
  const { id, email: address } = await enrolled()
  const proofs = await recoveryProofs(address, 1)
  return {
    kind: 'recoveries begun',
    send: () => recover(proofs),
    state: () =>
      stateOf(
        `${count('factor_recoveries WHERE user_id = $1')} AS waiting, ${email('factor-recovery')} AS notices,
         ${event('factor.recovery_requested')} AS events, ${count('email_codes WHERE user_id = $1')} AS codes`,
        id,
      ),
    whole: { waiting: 1, notices: 1, events: 1, codes: 0 },
    nothing: { waiting: 0, notices: 0, events: 0, codes: 1 },
    goOn: async isWhole => expect(codes(await recover(proofs))).toEqual(isWhole ? ['CODE_INVALID'] : []),
  }
}

async function recoveryEndStep(): Promise<Step> {
  const { id, email: address } = await enrolled()
  data(await recover(await recoveryProofs(address, 1)))
  await pool.query(
    `UPDATE factor_recoveries SET requested_at = now() - interval '2h', ready_at = now() - interval '1h'
     WHERE user_id = $1`,
    [id],
  )
  // The sign-in that enrolled the app would count as a factor that was proved since.
  await pool.query(`UPDATE sessions SET totp_at = now() - interval '3h' WHERE user_id = $1`, [id])
  const proofs = await recoveryProofs(address, 2)
  return {
    kind: 'recoveries completed',
    send: () => recover(proofs),
    state: () =>
      stateOf(
        `${count('totp WHERE user_id = $1')} AS apps, ${count('recovery_codes WHERE user_id = $1')} AS recovery,
         ${count('factor_recoveries WHERE user_id = $1')} AS waiting, ${event('factor.recovered')} AS events,
         ${email('factors-recovered')} AS notices, ${count('email_codes WHERE user_id = $1')} AS codes,
         (SELECT enrolment_required FROM users WHERE id = $1) AS demanded`,
        id,
      ),
    whole: { apps: 0, recovery: 0, waiting: 0, events: 1, notices: 1, codes: 0, demanded: true },
    nothing: { apps: 1, recovery: 10, waiting: 1, events: 0, notices: 0, codes: 1, demanded: false },
    goOn: async isWhole => {
      const input = { identifier: address, password: PASSWORD }
      if (!isWhole) data(await recover(proofs))
      expect(data(await send(url, LoginSteps, { input })).login.__typename).toBe('SecondFactorSetupRequired')
    },
  }
}

const KINDS = [passkeyStep, emailLoginStep, emailSignUpStep, recoveryBeginStep, recoveryEndStep]

test(`${KINDS.length} times kill -9 while people add passkeys, sign in by email and recover leave all of each or nothing`, async () => {
  const outcomes: Record<string, { acknowledged: number; made: number; notMade: number }> = {}
  await startServing()
  for (const kill of KINDS.keys()) {
    const steps = await Promise.all(KINDS.flatMap(prepare => Array.from({ length: EACH }, prepare)))
    // The requests overlap, and the server dies with the first answer to those of one kind.
    const fatal = steps[kill * EACH]?.kind
    await Promise.all(
      steps.map(async step => {
        const reply = await step.send().catch(() => undefined)
        if (!reply) return
        expect({ kind: step.kind, codes: codes(reply) }).toEqual({ kind: step.kind, codes: [] })
        step.answered = true
        if (step.kind === fatal) server.kill('SIGKILL')
      }),
    )
    await server.ended
    await startServing()
    for (const step of steps) {
      const state = await step.state()
      const isWhole = JSON.stringify(state) === JSON.stringify(step.whole)
      expect({ kind: step.kind, state }).toEqual({
        kind: step.kind,
        state: step.answered || isWhole ? step.whole : step.nothing,
      })
      const outcome = outcomes[step.kind] ?? { acknowledged: 0, made: 0, notMade: 0 }
      outcomes[step.kind] = outcome
      outcome[step.answered ? 'acknowledged' : isWhole ? 'made' : 'notMade']++
      await step.goOn(isWhole)
    }
  }
  process.stdout.write(`kill -9 × ${KINDS.length}: ${JSON.stringify(outcomes)}\n`)
  const all = Object.values(outcomes)
  // Otherwise nothing was tried.
  expect(all).toHaveLength(KINDS.length)
  expect(all.every(({ acknowledged }) => acknowledged > 0)).toBe(true)
  expect(all.some(({ made, notMade }) => made + notMade > 0)).toBe(true)
})
