import { setTimeout as sleep } from 'node:timers/promises'
import type { Order } from './bare-argon2.ts'
import { type Cores, pin } from './cores.ts'
import { load, type Source } from './load.ts'
import type { Script, Service } from './processes.ts'
import { type Account, bareMe, login, me, refresh, register, typename } from './requests.ts'
import { percentile, type Row, ratioRow } from './table.ts'

/** What runs and takes part in the measurements. */
export type Stage = {
  service: Service
  bareServer: Script
  bareApollo: Script
  bareArgon2: Script
  /** At least two for each connection: `me` uses the first half's sessions, `refreshToken` the others'. */
  accounts: Account[]
  cores: Cores | undefined
}

/** Short and many, for what disturbs the machine comes and goes within seconds. */
const ROUNDS = 9
const ROUND_MS = 1000
export const CONNECTIONS = 32

/** Enough that the queue for the hashes is never empty. */
const HASHING_CONNECTIONS = 16

const QUEUED_LOGINS = 64
const LATENCY_CONNECTIONS = 4
const QUEUE_UP_MS = 500

/** Requests a second of what is not slow on purpose, one core serving. */
export async function throughput({
  service,
  bareServer,
  bareApollo,
  accounts,
  cores,
}: Stage): Promise<Row[]> {
  await pin(service.pid, cores?.serving)
  await pin(bareServer.pid, cores?.serving)
  await pin(bareApollo.pid, cores?.serving)
  const barePort = Number(bareServer.greeting)
  const holders = accounts.slice(0, CONNECTIONS)
  const refreshers = accounts.slice(CONNECTIONS)
  const rates = await inTurns({
    me: () => rateOf(service.port, me(holders)),
    typename: () => rateOf(service.port, typename()),
    apollo: () => rateOf(Number(bareApollo.greeting), typename()),
    bare: () => rateOf(barePort, bareMe(holders)),
    refresh: () => rateOf(service.port, refresh(refreshers)),
  })
  const row = (what: string, measured: number[], name: string, limit: number[], atLeast: number) =>
    ratioRow(what, measured, name, limit, perSecond, { atLeast })
  return [
    row('me, live session', rates.me, '(a) {__typename}', rates.typename, 0.5),
    row('me, live session', rates.me, '(b) bare server', rates.bare, 0.5),
    row('refreshToken', rates.refresh, '(b) bare server', rates.bare, 0.6),
    row('{__typename}', rates.typename, '(c) bare Apollo', rates.apollo, 1),
  ]
}

function rateOf(port: number, source: Source): Promise<number> {
  return load(port, CONNECTIONS, source, AbortSignal.timeout(ROUND_MS)).then(({ rate }) => rate)
}

/** Sign-ins and registrations a second, all cores hashing. */
export async function hashing({ service, bareArgon2, accounts, cores }: Stage): Promise<Row[]> {
  await pin(service.pid, cores?.all)
  const served = async (source: Source) => {
    const signal = AbortSignal.timeout(ROUND_MS)
    return (await load(service.port, HASHING_CONNECTIONS, source, signal)).rate
  }
  const bare = async (task: Order['task']) =>
    Number(await bareArgon2.ask({ task, ms: ROUND_MS } satisfies Order))
  const rates = await inTurns({
    login: () => served(login(accounts)),
    verify: () => bare('verify'),
    register: () => served(register()),
    hash: () => bare('hash'),
  })
  return [
    ratioRow('login', rates.login, 'argon2.verify', rates.verify, perSecond, { atLeast: 1.7 }),
    ratioRow('register', rates.register, 'argon2.hash', rates.hash, perSecond, { atLeast: 1.7 }),
  ]
}

/** How long `me` and `refreshToken` take while logins queue. */
export async function latency({ service, accounts, cores }: Stage): Promise<Row[]> {
  await pin(service.pid, cores?.all)
  const p99 = async (source: Source) => {
    const signal = AbortSignal.timeout(ROUND_MS)
    const { latenciesMs } = await load(service.port, LATENCY_CONNECTIONS, source, signal)
    return percentile(latenciesMs, 0.99)
  }
  const p99AmongLogins = async (source: Source) => {
    const measured = new AbortController()
    const logins = load(service.port, QUEUED_LOGINS, login(accounts), measured.signal)
    const queued = sleep(QUEUE_UP_MS)
      .then(() => p99(source))
      .finally(() => measured.abort())
    return (await Promise.all([queued, logins]))[0]
  }
  const mes = me(accounts.slice(0, CONNECTIONS))
  const refreshes = refresh(accounts.slice(CONNECTIONS))
  const times = await inTurns({
    me: () => p99AmongLogins(mes),
    meAlone: () => p99(mes),
    refresh: () => p99AmongLogins(refreshes),
    refreshAlone: () => p99(refreshes),
  })
  const row = (what: string, among: number[], alone: number[]) =>
    ratioRow(`p99 of ${what}, ${QUEUED_LOGINS} logins queued`, among, 'alone', alone, milliseconds, {
      atMost: 2,
    })
  return [row('me', times.me, times.meAlone), row('refreshToken', times.refresh, times.refreshAlone)]
}

/** Runs the tasks one after the other, several times over; the first time only warms them up. */
export async function inTurns<Name extends string>(
  tasks: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(tasks) as Name[]
  const results = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<Name, number[]>
  for (const name of names) await tasks[name]()
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) results[name].push(await tasks[name]())
  }
  return results
}

export function perSecond(rate: number): string {
  return `${rate < 1000 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en')}/s`
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
