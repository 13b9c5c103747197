import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { queueMail } from '../../src/mail/outbox.ts'
import { prune, startPruning } from '../../src/maintenance/prune.ts'
import { PASSWORD, signIn, signUp } from '../support/actors.ts'
import { Login, Me, Refresh } from '../support/operations.ts'
import { whileHolding } from '../support/race.ts'
import { codes, startService, useService } from '../support/service.ts'

const DAY = 86_400
const service = useService({ settings: { LIMIT_LOGIN_ACCOUNT: '2/10m', LIMIT_LOGIN_NETWORK: '9999/5m' } })
afterEach(() => void jest.useRealTimers())

const login = (identifier: string) => service.send(Login, { input: { identifier, password: PASSWORD } })
const deleted = async (app = service.app) => (await prune(app)).deleted

describe('pruning attempts', () => {
  const rows = () => service.app.db.rateLimit

  test('a flood of invented names creates short rows, which are all deleted when their window ends', async () => {
    await service.app.pool.query(
      `INSERT INTO rate_limits SELECT 'made up ' || n, 1, $1, 0, NULL FROM generate_series(1, 2500) n`,
      [service.clock.now()],
    )
    for (const name of ['x'.repeat(320), '💥'.repeat(160), `${'y'.repeat(250)}@example.com`])
      await login(name)
    const keys = await rows().findMany({ where: { NOT: { key: { startsWith: 'made up' } } } })
    expect(keys).toHaveLength(4)
    for (const { key } of keys) expect(key.length).toBeLessThan(100)

    expect(await deleted()).toMatchObject({ attempts: 2500 })
    expect(await rows().count()).toBe(4)
    service.clock.advance(301)
    await prune(service.app)
    expect(await rows().count()).toBe(3)
    service.clock.advance(300)
    await prune(service.app)
    expect(await rows().count()).toBe(0)
  })

  test('pruning keeps blocks and their back-off', async () => {
    for (const _ of [1, 2, 3]) await login('ada')
    service.clock.advance(15)
    await prune(service.app)
    expect(codes(await login('ada'))).toEqual(['RATE_LIMITED'])
    service.clock.advance(15 + 560)
    await prune(service.app)
    expect(codes(await login('ada'))).toEqual(['INVALID_CREDENTIALS'])
    expect((await login('ada')).errors).toMatchObject([{ extensions: { retryAfter: 60 } }])
  })
})

describe('pruning sessions', () => {
  const count = (id: string) => service.app.db.session.count({ where: { id } })

  test('sessions are deleted 30 days after they are revoked and 30 days after they expire', async () => {
    const account = await signUp(service)
    const [revoked, other] = [await signIn(service, account.email), await signIn(service, account.email)]
    const data = { revokedAt: service.clock.now() }
    await service.app.db.session.update({ where: { id: revoked.sessionId }, data })

    service.clock.advance(30 * DAY - 60)
    await prune(service.app)
    expect(await count(revoked.sessionId)).toBe(1)
    service.clock.advance(120)
    expect(await deleted()).toMatchObject({ 'revoked sessions': 1, 'expired sessions': 0 })
    expect([await count(revoked.sessionId), await count(other.sessionId)]).toEqual([0, 1])

    service.clock.advance(90 * DAY - 180)
    await prune(service.app)
    expect(await count(other.sessionId)).toBe(1)
    service.clock.advance(180)
    await prune(service.app)
    expect(await count(other.sessionId)).toBe(0)
    expect(await service.app.db.user.count({ where: { id: account.id } })).toBe(1)
  })

  test('live sessions are kept, and the tokens of deleted sessions are invalid', async () => {
    const gone = await signUp(service)
    const live = await signUp(service)
    await service.app.db.session.update({
      where: { id: gone.sessionId },
      data: { revokedAt: new Date(service.clock.now().getTime() - 31 * DAY * 1000) },
    })
    await prune(service.app)
    expect(await count(gone.sessionId)).toBe(0)
    const input = { refreshToken: gone.refreshToken }
    expect(codes(await service.send(Refresh, { input }))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(codes(await service.send(Me, {}, { token: gone.accessToken }))).toEqual(['UNAUTHENTICATED'])
    const refreshed = await service.send(Refresh, { input: { refreshToken: live.refreshToken } })
    expect(codes(refreshed)).toEqual([])
  })

  test('the columns that select expired sessions do not change on refresh, so refreshing does not update their index', async () => {
    const { rows } = await service.app.pool.query<{ name: string }>(
      `SELECT DISTINCT attname AS name FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
       WHERE indrelid = 'sessions'::regclass ORDER BY 1`,
    )
    expect(rows.map(({ name }) => name)).toEqual([
      'absolute_expires_at',
      'epoch',
      'id',
      'provider_sid',
      'revoked_at',
      'user_id',
    ])
  })
})

describe('pruning emails', () => {
  test('links are deleted when they expire, and emails a week after they were sent', async () => {
    const { email, id: userId } = await signUp(service)
    const at = (days: number) => new Date(service.clock.now().getTime() + days * DAY * 1000)
    const token = (expiresAt: Date) => ({
      purpose: 'reset',
      subject: randomUUID(),
      hash: new Uint8Array(Buffer.from(randomUUID())),
      userId,
      emailCanonical: email,
      createdAt: at(-2),
      expiresAt,
    })
    await service.app.db.emailToken.createMany({ data: [token(at(-1)), token(at(1))] })
    const mail = (status: string, nextAttemptAt: Date) => ({
      id: randomUUID(),
      status,
      template: 'reset',
      locale: 'en',
      recipient: email,
      sealedData: '',
      createdAt: at(-200),
      nextAttemptAt,
    })
    await service.app.db.mail.deleteMany()
    await service.app.db.mail.createMany({
      data: [mail('sent', at(-8)), mail('sent', at(-6)), mail('failed', at(-91)), mail('failed', at(-89))],
    })
    await queueMail(service.app, service.app.db, {
      template: 'password-changed',
      to: email,
      locale: 'en',
      data: { at: service.clock.now().toISOString(), link: '' } as never,
    })
    const before = await service.app.db.emailToken.count()
    const gone = await deleted()
    expect(gone).toMatchObject({ 'sent mails': 1, 'failed mails': 1 })
    expect(gone['links of mails']).toBeGreaterThanOrEqual(1)
    expect(await service.app.db.emailToken.count()).toBe(before - gone['links of mails']!)
    expect(await service.app.db.emailToken.count({ where: { userId, purpose: 'reset' } })).toBe(1)
    await service.app.db.mail.deleteMany()
  })
})

describe('pruning audit events', () => {
  const insert = (days: number) => {
    const id = randomUUID()
    const at = new Date(service.clock.now().getTime() - days * DAY * 1000)
    return service.app.db.auditEvent.create({ data: { id, at, action: 'session.started', detail: {} } })
  }

  test('audit events are kept forever unless AUDIT_RETENTION is set', async () => {
    const [old, young] = [await insert(401), await insert(399)]
    expect(await deleted()).not.toHaveProperty('audit events')
    const app = { ...service.app, config: { ...service.app.config, auditRetentionSeconds: 400 * DAY } }
    expect(await deleted(app)).toMatchObject({ 'audit events': 1 })
    const left = await service.app.db.auditEvent.findMany({ where: { id: { in: [old.id, young.id] } } })
    expect(left).toEqual([young])
  })

  test('deleting audit events is recorded, and a run that deletes none records nothing', async () => {
    const app = { ...service.app, config: { ...service.app.config, auditRetentionSeconds: 300 * DAY } }
    const records = () => service.app.db.auditEvent.count({ where: { action: 'audit.pruned' } })
    const count = await records()
    await prune(app)
    await prune(app)
    await insert(301)
    await prune(app)
    await prune(app)
    expect(await records()).toBeLessThanOrEqual(count + 2)
    const [last] = await service.app.db.auditEvent.findMany({
      where: { action: 'audit.pruned' },
      orderBy: { at: 'desc' },
      take: 1,
    })
    expect(last).toMatchObject({ actorId: null, detail: { before: expect.stringMatching(/^\d{4}-/) } })
  })

  test('no one can delete audit events of the last day, or bypass this while older events are being deleted', async () => {
    const young = await insert(0)
    const { pool } = service.app
    await pool.query(`SELECT prune_audit_events(now() + interval '10 years', 1000000)`)
    expect(await service.app.db.auditEvent.count({ where: { id: young.id } })).toBe(1)
    await expect(pool.query(`SELECT prune_audit_events(now(), 1); DELETE FROM audit_events`)).rejects.toThrow(
      'append-only',
    )
  })
})

describe('the audit log and direct SQL', () => {
  const epoch = `extract(epoch FROM now() + interval '10 years')::text`
  const allow = (value: string) => `SELECT set_config('authograph.prune_audit', ${value}, true)`
  const insert = async (daysAgo: number) => {
    const event = {
      id: randomUUID(),
      at: new Date(Date.now() - daysAgo * DAY * 1000),
      action: 'session.started',
    }
    await service.app.db.auditEvent.create({ data: event })
    return `DELETE FROM audit_events WHERE id = '${event.id}'`
  }

  test.each([`'on'`, epoch])(
    'no SQL session can delete events of the last day, whatever it sets (%s)',
    async value => {
      const deletion = await insert(0.9)
      await expect(service.app.pool.query(`${allow(value)}; ${deletion}`)).rejects.toThrow('append-only')
    },
  )

  test('a role that does not own the audit log can neither delete nor prune its events', async () => {
    const deletion = await insert(500)
    const role = `clerk_${randomUUID().replaceAll('-', '')}`
    await service.app.pool.query(`CREATE ROLE ${role}; GRANT SELECT, DELETE ON audit_events TO ${role}`)
    try {
      // A query message with several statements is one transaction, which ends with its first error.
      const as = (sql: string) => service.app.pool.query(`SET LOCAL ROLE ${role}; ${allow(epoch)}; ${sql}`)
      await expect(as(deletion)).rejects.toThrow('append-only')
      await expect(as('SELECT prune_audit_events(now(), 1)')).rejects.toThrow('permission denied')
      await expect(as('SELECT drop_audit_partition(now())')).rejects.toThrow('permission denied')
    } finally {
      await service.app.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  })
})

test('of two simultaneous prunings, one deletes and the other reports that it is busy', async () => {
  const lock = 'SELECT pg_advisory_xact_lock(72707370)'
  await service.app.pool.query(`INSERT INTO rate_limits SELECT 'x', 1, $1, 0, NULL`, [service.clock.now()])
  await whileHolding(service.app.config.database.url!, lock, async () => {
    expect(await prune(service.app)).toEqual({ deleted: { attempts: 0 }, busy: true })
  })
  expect(await prune(service.app)).toMatchObject({ deleted: { attempts: 1 }, busy: false })
})

test('a locked row is left for the next run, and neither transaction waits', async () => {
  const key = `held ${randomUUID()}`
  await service.app.pool.query(`INSERT INTO rate_limits SELECT $2, 1, $1, 0, NULL`, [
    service.clock.now(),
    key,
  ])
  const lock = `SELECT FROM rate_limits WHERE key = '${key}' FOR UPDATE`
  await whileHolding(service.app.config.database.url!, lock, async () => {
    expect(await deleted()).toMatchObject({ attempts: 0 })
  })
  expect(await deleted()).toMatchObject({ attempts: 1 })
})

test('a run of a service is bounded, and the next run deletes the rest', async () => {
  const other = await startService()
  try {
    await other.app.pool.query(
      `INSERT INTO rate_limits SELECT 'made up ' || n, 1, $1, 0, NULL FROM generate_series(1, 3500) n`,
      [other.clock.now()],
    )
    expect((await prune(other.app, { maxBatches: 2 })).deleted).toMatchObject({ attempts: 2000 })
    expect((await prune(other.app, { maxBatches: 2 })).deleted).toMatchObject({ attempts: 1500 })
  } finally {
    await other.close()
  }
})

test('a service prunes every minute and continues after a failure', async () => {
  jest.useFakeTimers()
  const seen: string[] = []
  let outcome = () => Promise.reject<never>(new Error('the database is away'))
  const query = () => {
    seen.push('pruned')
    return outcome()
  }
  const warn = (_facts: unknown, message: string) => void seen.push(message)
  const stop = startPruning({
    ...service.app,
    pool: { query } as unknown as typeof service.app.pool,
    log: { warn } as unknown as typeof service.app.log,
  })
  await jest.advanceTimersByTimeAsync(60_000)
  expect(seen.splice(0)).toEqual(['pruned', 'could not delete expired records'])
  // Another replica is pruning.
  outcome = () => Promise.resolve({ rows: [[false, 0]] } as never)
  await jest.advanceTimersByTimeAsync(60_000)
  expect(seen.splice(0)).toEqual(['pruned'])
  await stop()
  await jest.advanceTimersByTimeAsync(600_000)
  expect(seen).toEqual([])
})
