import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { PASSWORD } from '../support/actors.ts'
import { build } from '../support/cli.ts'
import { type Cluster, createPair } from '../support/clusters.ts'
import { eventually } from '../support/eventually.ts'
import { Login, Me, Refresh, Register } from '../support/operations.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'

jest.setTimeout(3 * 60_000)

const SERVES_AGAIN_MS = 5000
const REPLICAS = 2
const REGISTERING = 3
const SESSIONS = 8
const READ_ONLY_MS = 2000
const NOTHING = { accounts: 0, rotations: 0, sessions: 0 }
const SETTINGS = {
  LIMIT_REGISTER_NETWORK: '1000000/1h',
  LIMIT_MAIL_NETWORK: '1000000/1h',
  LIMIT_LOGIN_NETWORK: '1000000/1h',
  LIMIT_WORK_NETWORK: '1000000/1h',
  MAIL: 'off',
  LOG_LEVEL: 'error',
}

let primary: Cluster
let standby: Cluster
let replicas: ServerProcess[]
let load: Load

/** What the clients know. A session's newest token is the one that its client received last. */
class Load {
  readonly accounts = new Map<string, string>()
  readonly chains: { token: string; accessToken: string; rotations: number }[] = []
  readonly refusals = new Map<string, number>()
  /** Answers of `me` at a time when only a standby was there. */
  answeredByStandby = 0
  isReadOnly = false
  #stopped = false
  #running: Promise<unknown> | undefined
  #serial = 0

  async begin(): Promise<void> {
    for (let session = 0; session < SESSIONS; session++) {
      const chain = await this.register(session)
      if (!chain) throw new Error(`no account: ${[...this.refusals.keys()]}`)
      this.chains.push(chain)
    }
    const repeat = async (task: () => Promise<unknown>) => {
      while (!this.#stopped) await task()
    }
    this.#running = Promise.all([
      ...Array.from({ length: REGISTERING }, (_, n) => repeat(() => this.register(n))),
      ...this.chains.map((chain, n) => repeat(() => this.rotate(chain, n))),
      ...this.chains.map(({ accessToken }, n) => repeat(() => this.read(accessToken, n))),
    ])
  }

  async end(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async register(replica: number) {
    const email = `user${this.#serial++}@example.com`
    const reply = await send(urlOf(replica), Register, { input: { email, password: PASSWORD } })
    const payload = reply.data?.register
    if (payload?.__typename !== 'AuthPayload' || !payload.refreshToken) return this.#refused(reply)
    this.accounts.set(email, payload.user.id)
    return { token: payload.refreshToken, accessToken: payload.accessToken, rotations: 0 }
  }

  async rotate(chain: Load['chains'][number], replica: number): Promise<void> {
    const reply = await send(urlOf(replica), Refresh, { input: { refreshToken: chain.token } })
    const next = reply.data?.refreshToken.refreshToken
    if (!next) return this.#refused(reply)
    chain.token = next
    chain.rotations++
  }

  async read(token: string, replica: number): Promise<void> {
    const wasReadOnly = this.isReadOnly
    const reply = await send(urlOf(replica), Me, {}, { token })
    if (codes(reply).length > 0) return this.#refused(reply)
    if (wasReadOnly && this.isReadOnly) this.answeredByStandby++
  }

  async #refused(reply: Parameters<typeof codes>[0]): Promise<undefined> {
    for (const code of codes(reply)) this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
    await sleep(20)
  }

  /** The figures, and what of the acknowledged is missing in the database. */
  async compare(database: Cluster) {
    const ids = [...this.accounts.values()].map(id => `'${id}'`).join()
    const [found] = await database.query(
      `SELECT count(*)::int AS n FROM users WHERE id IN (${ids})`,
      'authograph',
    )
    const rows = await database.query('SELECT id, generation FROM sessions', 'authograph')
    const generations = new Map(rows.map(({ id, generation }) => [id, Number(generation)]))
    const [reused] = await database.query(
      `SELECT count(*)::int AS n FROM audit_events WHERE action = 'session.reuse_detected'`,
      'authograph',
    )
    // A rotation that was not acknowledged may have happened too.
    const behind = this.chains.filter(({ token }) => {
      const [id, generation] = token.split('.')
      return (generations.get(id) ?? 0) < Number(generation)
    })
    const rotations = this.chains.reduce((sum, chain) => sum + chain.rotations, 0)
    return {
      figures: `${this.accounts.size} accounts and ${rotations} rotations acknowledged, refused ${JSON.stringify([...this.refusals])}`,
      lost: {
        accounts: this.accounts.size - Number(found?.n),
        rotations: behind.length,
        sessions: Number(reused?.n),
      },
    }
  }
}

const urlOf = (replica: number) => replicas[replica % REPLICAS]?.url ?? ''

async function startReplica(): Promise<ServerProcess> {
  const DATABASE_URL = `postgresql://authograph@${primary.address},${standby.address}/authograph?target_session_attrs=read-write`
  const replica = await startProcess({ ...SETTINGS, DATABASE_URL })
  if (!replica.url) throw new Error(`it did not start: ${replica.stderr.join('\n')}`)
  return replica
}

/** Whether the replica does what it is for, with an account of its own. */
async function serves(replica: number): Promise<boolean> {
  const chain = await load.register(replica)
  if (!chain) return false
  const before = chain.token
  await load.rotate(chain, replica)
  return (
    chain.token !== before &&
    codes(await send(urlOf(replica), Me, {}, { token: chain.accessToken })).length === 0
  )
}

/** Promotes the standby, and returns how long it took until all replicas served again. */
async function promoteAndServe(): Promise<number> {
  load.isReadOnly = false
  // Returns when the standby has become the primary.
  await standby.query('SELECT pg_promote()')
  const start = performance.now()
  await Promise.all(replicas.map((_, n) => eventually(() => serves(n), 20)))
  return Math.round(performance.now() - start)
}

/** The accounts and the newest use of a session, which change with every write of a replica. */
const stateOf = (cluster: Cluster) =>
  cluster.query(
    'SELECT (SELECT count(*) FROM users) AS users, (SELECT sum(generation) FROM sessions) AS sum',
    'authograph',
  )

beforeAll(() => build())
beforeEach(async () => {
  ;({ primary, standby } = await createPair())
  await primary.query('CREATE DATABASE authograph')
  replicas = []
  // One after the other: the first migrates.
  for (let n = 0; n < REPLICAS; n++) replicas.push(await startReplica())
  load = new Load()
  await load.begin()
  await sleep(1000)
})
afterEach(async () => {
  await load.end().catch(() => {})
  for (const replica of replicas) replica.kill('SIGKILL')
  await Promise.all(replicas.map(({ ended }) => ended))
  await Promise.all([primary.remove(), standby.remove()])
})

describe('a primary with a synchronous standby', () => {
  test('is killed under load: the promoted standby has every acknowledged write, and the old one is left alone', async () => {
    await primary.stop('SIGKILL')
    await sleep(100)
    load.isReadOnly = true
    await sleep(READ_ONLY_MS)
    const refusedByStandby = new Map(load.refusals)
    const ms = await promoteAndServe()
    // It comes back as if nothing had happened, and accepts writes.
    await primary.start()
    const before = await stateOf(primary)
    replicas.push(await startReplica())
    await sleep(3000)
    expect(await stateOf(primary)).toEqual(before)
    const email = [...load.accounts.keys()].at(-1)
    const late = await send(replicas.at(-1)?.url ?? '', Login, {
      input: { identifier: email ?? '', password: PASSWORD },
    })
    expect(codes(late)).toEqual([])
    await load.end()
    const { figures, lost } = await load.compare(standby)
    process.stdout.write(
      `failover by kill -9: ${figures}; lost ${JSON.stringify(lost)}; serving again after ${ms} ms\n`,
    )
    expect(lost).toEqual(NOTHING)
    expect([...refusedByStandby.keys()]).toEqual(['SERVICE_UNAVAILABLE'])
    expect([...load.refusals.keys()]).toEqual(['SERVICE_UNAVAILABLE'])
    expect(load.answeredByStandby).toBe(0)
    expect(ms).toBeLessThan(SERVES_AGAIN_MS)
  })

  test('stays alive while its standby is promoted: no replica goes on with it', async () => {
    const ms = await promoteAndServe()
    await sleep(1500)
    const before = await stateOf(primary)
    await sleep(1500)
    expect(await stateOf(primary)).toEqual(before)
    await load.end()
    const { figures, lost } = await load.compare(standby)
    process.stdout.write(
      `promotion beside a living primary: ${figures}; lost ${JSON.stringify(lost)}; serving again after ${ms} ms\n`,
    )
    expect(lost).toEqual(NOTHING)
    expect([...load.refusals.keys()]).toEqual(['SERVICE_UNAVAILABLE'])
    expect(ms).toBeLessThan(SERVES_AGAIN_MS)
  })
})
