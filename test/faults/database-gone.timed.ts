import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { PASSWORD, type SignedIn, signUp } from '../support/actors.ts'
import { takeNativeErrorsForErrors } from '../support/native-errors.ts'
import { Login, Me, Register } from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type DatabaseProxy, startProxy } from '../support/proxy.ts'
import { codes, type Reply, type Service, startService } from '../support/service.ts'
import { countEvents, refresh, refreshed, stateOf } from '../support/sessions.ts'

jest.setTimeout(5 * 60_000)

const GONE_MS = 30_000
const ANSWER_MS = 2000
const RECOVERY_MS = 5000
const CLIENTS = 8

let database: TestDatabase
let proxy: DatabaseProxy
let service: Service

beforeAll(async () => {
  takeNativeErrorsForErrors()
  database = await createDatabase()
  proxy = await startProxy(database.url)
  const settings = {
    LIMIT_LOGIN_NETWORK: '1000000/1h',
    LIMIT_WORK_ACCOUNT: '1000000/1h',
    LIMIT_WORK_NETWORK: '1000000/1h',
    LIMIT_REGISTER_NETWORK: '1000000/1h',
    LIMIT_MAIL_NETWORK: '1000000/1h',
    LOG_LEVEL: 'fatal',
  }
  service = await startService({ databaseUrl: proxy.url, settings, impatient: true })
})
afterAll(async () => {
  await service.close()
  await proxy.close()
  await database.drop()
})

type Phase = 'before' | 'gone' | 'recovering' | 'after'
type Seen = { operation: string; phase: Phase; ended: Phase; codes: string[]; ms: number }

/** A client that does everything in turn, and its session's newest token. */
class Client {
  readonly account: SignedIn
  readonly seen: Seen[]
  token: string

  constructor(account: SignedIn, seen: Seen[]) {
    this.account = account
    this.seen = seen
    this.token = account.refreshToken
  }

  async run(phase: () => Phase): Promise<void> {
    const { email, accessToken } = this.account
    for (let turn = 0; phase() !== 'after'; turn++) {
      await this.#watch('login', phase, () =>
        service.send(Login, { input: { identifier: email, password: PASSWORD } }),
      )
      await this.#watch('me', phase, () => service.send(Me, {}, { token: accessToken }))
      await this.#watch('register', phase, () =>
        service.send(Register, { input: { email: `${turn}.${email}`, password: PASSWORD } }),
      )
      const reply = await this.#watch('refreshToken', phase, () => refresh(service, this.token))
      this.token = reply.data?.refreshToken.refreshToken ?? this.token
      await sleep(20)
    }
  }

  async #watch<Data>(operation: string, phase: () => Phase, send: () => Promise<Reply<Data>>) {
    const start = performance.now()
    const began = phase()
    const reply = await send()
    const ms = performance.now() - start
    this.seen.push({ operation, phase: began, ended: phase(), codes: codes(reply), ms })
    return reply
  }
}

async function statusOf(path: string): Promise<number> {
  return (await fetch(`${service.url}${path}`)).status
}

describe.each<[name: string, take: () => Promise<void> | void]>([
  ['cut', () => proxy.cut()],
  ['stalled', () => proxy.stall()],
])('the database %s for 30 s', (name, take) => {
  test('the service reports it immediately, lets no one in, and uses the database again within 5 s', async () => {
    let phase: Phase = 'before'
    const seen: Seen[] = []
    const accounts = await Promise.all(Array.from({ length: CLIENTS }, () => signUp(service)))
    const clients = accounts.map(account => new Client(account, seen))
    const running = Promise.all(clients.map(client => client.run(() => phase)))
    await sleep(2000)
    await take()
    phase = 'gone'
    const health: Record<string, Set<number>> = {}
    for (const end = performance.now() + GONE_MS; performance.now() < end; await sleep(1000)) {
      for (const path of ['/healthz', '/readyz', '/metrics', '/.well-known/jwks.json']) {
        health[path] ??= new Set()
        health[path].add(await statusOf(path))
      }
    }
    phase = 'recovering'
    await proxy.restore()
    const start = performance.now()
    while ((await statusOf('/readyz')) !== 200) await sleep(20)
    const readyMs = Math.round(performance.now() - start)
    await sleep(RECOVERY_MS - readyMs)
    phase = 'after'
    await running

    const gone = seen.filter(one => one.phase === 'gone' && one.ended === 'gone')
    const slowest = Math.round(Math.max(...gone.map(one => one.ms)))
    const lateFailures = seen.filter(one => one.phase !== 'gone' && one.codes.length > 0)
    process.stdout.write(
      `database ${name} for 30 s: ${gone.length} requests, all refused, the slowest after ${slowest} ms; ready again after ${readyMs} ms, ` +
        `${lateFailures.length} requests refused before or after; /healthz ${[...(health['/healthz'] ?? [])]}, /readyz ${[...(health['/readyz'] ?? [])]}\n`,
    )
    expect(new Set(gone.map(one => one.codes.join()))).toEqual(new Set(['SERVICE_UNAVAILABLE']))
    expect(new Set(gone.map(one => one.operation)).size).toBe(4)
    expect(slowest).toBeLessThan(ANSWER_MS)
    expect(health).toEqual({
      '/healthz': new Set([200]),
      '/readyz': new Set([503]),
      '/metrics': new Set([200]),
      '/.well-known/jwks.json': new Set([200]),
    })
    expect(readyMs).toBeLessThan(RECOVERY_MS)
    // Before nothing failed but what was under way when the line broke; afterwards a registration may turn out
    // to have been made, for what was held up arrived after all.
    expect(lateFailures.filter(({ phase, ended }) => phase === 'before' && ended === 'before')).toEqual([])
    const after = lateFailures.filter(({ phase }) => phase !== 'before')
    expect(new Set(after.flatMap(one => one.codes).filter(code => code !== 'EMAIL_TAKEN'))).toEqual(new Set())
    for (const { account, token } of clients) {
      const pair = await refreshed(service, token)
      expect(await stateOf(service, pair.accessToken)).toBe('LIVE')
      expect(await countEvents(service, account.sessionId, 'session.reuse_detected')).toBe(0)
    }
  })
})
