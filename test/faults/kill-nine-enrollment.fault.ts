import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import { systemClock } from '../../src/clock.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { build } from '../support/cli.ts'
import { AuthenticatorApp } from '../support/factors.ts'
import { BeginTotp, CompleteLogin, ConfirmTotp, LoginSteps, Register } from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'

jest.setTimeout(10 * 60_000)

const KILLS = 10
const CLIENTS = 4
const MANY = '1000000/1h'
const SETTINGS = {
  LIMIT_REGISTER_NETWORK: MANY,
  LIMIT_MAIL_NETWORK: MANY,
  LIMIT_LOGIN_NETWORK: MANY,
  LIMIT_WORK_NETWORK: MANY,
  HASH_WAIT_MS: '30000',
}

let database: TestDatabase
let server: ServerProcess

beforeAll(async () => {
  await build()
  database = await createDatabase()
})
afterAll(async () => {
  server?.kill('SIGKILL')
  await server?.ended
  await database?.drop()
})

async function startServing(): Promise<string> {
  server = await startProcess({ ...SETTINGS, DATABASE_URL: database.url })
  if (!server.url) throw new Error(`it did not start: ${server.stderr.join('\n')}`)
  return server.url
}

type Enrollment = {
  id: string
  email: string
  app: AuthenticatorApp
  confirmed: boolean
  recoveryCodes: string[]
}

/** Registers an account and adds an authenticator app to it, until the server is killed. */
async function enrollUntilKilled(
  url: string,
  enrollments: Enrollment[],
  isKilled: () => boolean,
): Promise<void> {
  while (!isKilled()) {
    try {
      const email = newAddress()
      const registered = await send(url, Register, { input: { email, password: PASSWORD } })
      const payload = registered.data?.register
      if (payload?.__typename !== 'AuthPayload') throw new Error(JSON.stringify(registered.errors))
      const token = payload.accessToken
      const { data } = await send(url, BeginTotp, {}, { token })
      const { ticket = '', secret = '' } = data?.beginTotp ?? {}
      const app = new AuthenticatorApp({ clock: systemClock as never }, secret)
      const enrollment: Enrollment = { id: payload.user.id, email, app, confirmed: false, recoveryCodes: [] }
      enrollments.push(enrollment)
      const added = await send(url, ConfirmTotp, { input: { ticket, code: app.code() } }, { token })
      if (added.errors.length > 0) throw new Error(JSON.stringify(added.errors))
      enrollment.confirmed = true
      enrollment.recoveryCodes = added.data?.confirmTotp.recoveryCodes ?? []
    } catch (error) {
      if (!isKilled()) throw error
    }
  }
}

/** What an account has: everything of the factor or nothing of it. */
const STATE = `
  SELECT u.id, EXISTS (SELECT FROM totp t WHERE t.user_id = u.id) AS totp,
    (SELECT count(*)::int FROM recovery_codes c WHERE c.user_id = u.id) AS codes, u.credential_version AS version,
    (SELECT count(*)::int FROM sessions s WHERE s.user_id = u.id AND s.totp_at IS NOT NULL) AS strong,
    (SELECT count(*)::int FROM audit_events e WHERE e.subject_id = u.id AND e.action = 'factor.added') AS events
  FROM users u WHERE u.id = ANY($1::uuid[])`

test(`${KILLS} times kill -9 while authenticator apps are added leave all of each or nothing`, async () => {
  const enrollments: Enrollment[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    const url = await startServing()
    let killed = false
    const clients = Array.from({ length: CLIENTS }, () => enrollUntilKilled(url, enrollments, () => killed))
    const finished = Promise.all(clients)
    const before = enrollments.filter(({ confirmed }) => confirmed).length
    while (enrollments.filter(({ confirmed }) => confirmed).length < before + 2) {
      await Promise.race([sleep(20), finished])
    }
    await Promise.race([sleep(Math.random() * 800), finished])
    killed = true
    server.kill('SIGKILL')
    await server.ended
    await finished
  }
  const url = await startServing()
  const client = new pg.Client(database.url)
  await client.connect()
  const { rows } = await client.query(STATE, [enrollments.map(({ id }) => id)])
  await client.end()
  const whole = { totp: true, codes: 10, version: 1, strong: 1, events: 1 }
  const nothing = { totp: false, codes: 0, version: 0, strong: 0, events: 0 }
  const byId = new Map(rows.map(({ id, ...state }) => [id, state]))
  const outcomes = { acknowledged: 0, made: 0, notMade: 0 }
  for (const { id, email, app, confirmed, recoveryCodes } of enrollments) {
    const state = byId.get(id)
    expect(state).toEqual(confirmed || state?.totp ? whole : nothing)
    if (confirmed) outcomes.acknowledged++
    else if (state?.totp) outcomes.made++
    else outcomes.notMade++
    if (confirmed && outcomes.acknowledged > 20) continue
    const { data } = await send(url, LoginSteps, { input: { identifier: email, password: PASSWORD } })
    if (!state?.totp) {
      expect(data?.login.__typename).toBe('AuthPayload')
      continue
    }
    if (data?.login.__typename !== 'SecondFactorRequired') throw new Error(JSON.stringify(data))
    const { ticket } = data.login
    const [recoveryCode] = recoveryCodes
    const proof = recoveryCode === undefined ? { totpCode: app.code(1) } : { recoveryCode }
    expect(codes(await send(url, CompleteLogin, { input: { ticket, proof } }))).toEqual([])
  }
  process.stdout.write(`kill -9 × ${KILLS} during enrollment: ${JSON.stringify(outcomes)}\n`)
  expect(outcomes.acknowledged).toBeGreaterThan(KILLS)
})
