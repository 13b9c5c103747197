import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import type { Email } from 'postal-mime'
import { checkServer } from '../../src/cli/server-check.ts'
import { withPatientPool } from '../../src/database/client.ts'
import { prune } from '../../src/maintenance/prune.ts'
import {
  as,
  login,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpAdmin,
  signUpVerified,
} from '../support/actors.ts'
import { eventually } from '../support/eventually.ts'
import {
  AuditLog,
  DeleteAccount,
  ExportAccount,
  MySessions,
  Overview,
  RequestPasswordReset,
  ResetPassword,
  RevokeSession,
  RotateSigningKey,
  UpdateProfile,
  Users,
} from '../support/operations.ts'
import { havePasskey, passkeyLogin } from '../support/passkeys.ts'
import { type Pooler, startPooler } from '../support/pooler.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'
import { whileHolding } from '../support/race.ts'
import { codes, type Service, startService } from '../support/service.ts'
import { countEvents, expectDead, refresh, refreshed, stateOf } from '../support/sessions.ts'
import { startSmtp, tokenOf } from '../support/smtp.ts'

jest.setTimeout(60_000)

/** Fewer than the replicas have connections to the pooler. */
const POOL_SIZE = 3
const ATTEMPTS = 10

let smtp: Awaited<ReturnType<typeof startSmtp>>
let pooler: Pooler
let database: TestDatabase
let one: Service
let two: Service

beforeAll(async () => {
  database = await createEmptyDatabase()
  pooler = await startPooler(process.env.AUTHOGRAPH_TEST_SERVER ?? '', POOL_SIZE)
  smtp = await startSmtp()
  const settings = {
    LIMIT_LOGIN_ACCOUNT: `${ATTEMPTS}/15m`,
    LIMIT_LOGIN_DEVICE: `${ATTEMPTS}/15m`,
    SMTP_URL: smtp.url,
  }
  const start = () => startService({ settings, databaseUrl: pooler.url(database.url), impatient: true })
  // At the same time, so that both want to migrate.
  ;[one, two] = await Promise.all([start(), start()])
})
afterAll(async () => {
  await Promise.all([one?.close(), two?.close()])
  await pooler?.close()
  await smtp?.close()
  await database?.drop()
})

const either = (n: number) => (n % 2 ? one : two)

/** Runs a statement on each connection that the pooler has to the server. */
async function onEveryConnection(sql: string): Promise<unknown[]> {
  const clients = Array.from({ length: POOL_SIZE }, () => new pg.Client(pooler.url(database.url)))
  await Promise.all(clients.map(client => client.connect()))
  try {
    // Each holds a connection for itself.
    await Promise.all(clients.map(client => client.query('BEGIN')))
    const results = await Promise.all(clients.map(client => client.query(sql)))
    return results.flatMap(({ rows }) => rows)
  } finally {
    await Promise.all(clients.map(client => client.end()))
  }
}

test('two replicas that start on an empty database migrate it once', async () => {
  const direct = new pg.Client(database.url)
  await direct.connect()
  const { rows } = await direct.query(
    'SELECT migration_name, count(*) FROM _prisma_migrations GROUP BY 1 HAVING count(*) > 1 OR bool_or(finished_at IS NULL)',
  )
  await direct.end()
  expect(rows).toEqual([])
  expect(one.app.migrated.length + two.app.migrated.length).toBeGreaterThan(30)
  expect((await fetch(`${one.url}/readyz`)).status).toBe(200)
})

test('sessions start, rotate, end and are seen by both replicas', async () => {
  const account = await signUp(one)
  const elsewhere = await signIn(two, account.email)
  const next = await refreshed(two, account.refreshToken)
  expect(await stateOf(one, next.accessToken)).toBe('LIVE')
  expect((await one.send(MySessions, {}, as(elsewhere))).errors).toEqual([])
  expect(codes(await two.send(RevokeSession, { id: account.sessionId }, as(elsewhere)))).toEqual([])
  await expectDead(one, next)
})

test('requests in parallel all succeed, although they outnumber the connections', async () => {
  const accounts = await Promise.all(Array.from({ length: 12 }, (_, n) => signUp(either(n))))
  const rounds = Array.from({ length: 10 }, async (_, n) => {
    const states = await Promise.all(accounts.map(({ accessToken }) => stateOf(either(n), accessToken)))
    expect(new Set(states)).toEqual(new Set(['LIVE']))
  })
  const chains = accounts.map(async ({ refreshToken }, n) => {
    let token = refreshToken
    for (let turn = 0; turn < 5; turn++) token = (await refreshed(either(n + turn), token)).refreshToken
  })
  await Promise.all([...rounds, ...chains])
})

test('a refresh token sent 20 times at the same time keeps its session, and one used again ends it', async () => {
  const account = await signUp(one)
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, n) => refresh(either(n), account.refreshToken)),
  )
  expect(replies.flatMap(codes)).toEqual([])
  expect(await countEvents(one, account.sessionId, 'session.reuse_detected')).toBe(0)
  const other = await signUp(one)
  const second = await refreshed(one, other.refreshToken)
  const third = await refreshed(two, second.refreshToken)
  expect(codes(await refresh(two, other.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  await expectDead(one, third)
})

test('password guesses are counted across both replicas', async () => {
  const { email } = await signUp(one)
  const guess = (n: number) => login(either(n), { identifier: email, password: `${PASSWORD} ${n}` })
  const replies = await Promise.all(Array.from({ length: 4 * ATTEMPTS }, (_, n) => guess(n)))
  expect(replies.flatMap(codes).filter(code => code === 'INVALID_CREDENTIALS')).toHaveLength(ATTEMPTS)
})

test('a link in an email sets a new password', async () => {
  const account = await signUp(one)
  await one.send(RequestPasswordReset, { input: { email: account.email } })
  const isLink = ({ to, text }: Email) =>
    to?.some(({ address }) => address === account.email) && text?.includes('/reset-password#')
  // Either replica may send it.
  await eventually(() => smtp.mails.some(isLink))
  const token = tokenOf(smtp.mails.find(isLink)!)
  const input = { token, newPassword: 'eighteen copper kettles' }
  expect((await two.send(ResetPassword, { input })).data?.resetPassword).toBe(true)
  await expectDead(one, account)
  await signIn(one, account.email, input.newPassword)
})

test('a passkey signs in', async () => {
  const account = await signUpVerified(one)
  const passkey = await havePasskey(one, account.id)
  expect(codes(await passkeyLogin(two, passkey))).toEqual([])
})

test('administrators see accounts, the audit log and the overview, and rotate keys', async () => {
  const admin: SignedIn = await signUpAdmin(one)
  const replies = [
    await one.send(Users, { first: 5 }, as(admin)),
    await one.send(AuditLog, { first: 5 }, as(admin)),
    await two.send(Overview, { period: 'LAST_24_HOURS' }, as(admin)),
    await two.send(RotateSigningKey, {}, as(admin)),
  ]
  expect(replies.flatMap(codes)).toEqual([])
  expect(replies[0]?.data).toMatchObject({ users: { nodes: expect.anything() } })
})

test('people change, export and delete their account', async () => {
  const account = await signUp(one)
  const updated = await one.send(UpdateProfile, { input: { displayName: 'Ada' } }, as(account))
  const exported = await two.send(ExportAccount, {}, as(account))
  expect(JSON.parse(exported.data?.exportAccount ?? '{}')).toMatchObject({ account: { displayName: 'Ada' } })
  const deleted = await one.send(DeleteAccount, {}, as(account))
  expect([updated, exported, deleted].flatMap(codes)).toEqual([])
  expect(codes(await login(two, { identifier: account.email }))).toEqual(['INVALID_CREDENTIALS'])
})

test('both replicas prune at the same time', async () => {
  const pruned = await Promise.all([prune(one.app), prune(two.app)])
  expect(pruned).toHaveLength(2)
})

describe('a statement that waits for a lock', () => {
  test('fails in time, and does not go on waiting in the database', async () => {
    const account = await signUp(one)
    const lock = `SELECT FROM users WHERE id = '${account.id}' FOR UPDATE`
    await whileHolding(database.url, lock, async waiting => {
      const update = one.app.pool.query(`UPDATE users SET factor_failures = 1 WHERE id = '${account.id}'`)
      const failed = expect(update).rejects.toThrow('fell silent')
      await waiting(1)
      await failed
      await eventually(() => waiting(0).then(() => true))
    })
    expect(await stateOf(one, account.accessToken)).toBe('LIVE')
    one.logged.splice(0)
  })

  test('ends by PostgreSQL’s own limit in a transaction', async () => {
    const account = await signUp(one)
    const lock = `SELECT FROM users WHERE id = '${account.id}' FOR UPDATE`
    const update = { where: { id: account.id }, data: { displayName: 'Ada' } }
    await whileHolding(database.url, lock, async () => {
      const failed = one.app.db.$transaction(tx => tx.user.update(update))
      await expect(failed).rejects.toThrow(/statement timeout/)
    })
  })
})

test('nothing stays on the connections that other clients share', async () => {
  const limits = await onEveryConnection(
    `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
       current_setting('idle_in_transaction_session_timeout') AS idle`,
  )
  expect(limits).toEqual(Array(POOL_SIZE).fill({ statement: '0', lock: '0', idle: '0' }))
  const named = await onEveryConnection(
    `SELECT name FROM pg_prepared_statements WHERE name NOT LIKE 'PGBOUNCER_%'`,
  )
  expect(named).toEqual([])
})

test('doctor says which server and which pooler there are', async () => {
  const url = pooler.url(database.url)
  const findings = await withPatientPool({ url, pooler: 'auto' }, pool =>
    checkServer({ pool, config: one.app.config, now: () => one.clock.now() }),
  )
  expect(findings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^127\.0\.0\.1:\d+ is the primary\.$/),
    'The connection has no TLS and stays on this machine.',
    expect.stringMatching(/^A pooler shares the connection/),
  ])
})

test('when the pooler is killed and starts again, the service recovers', async () => {
  const account = await signUp(one)
  await pooler.kill()
  const { errors } = await one.send(MySessions, {}, as(account))
  expect(errors[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE')
  await pooler.start()
  await eventually(async () => codes(await one.send(MySessions, {}, as(account))).length === 0)
  expect(await refreshed(two, account.refreshToken)).toBeTruthy()
  for (const { logged } of [one, two]) logged.splice(0)
})
