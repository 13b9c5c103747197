import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Done, Order } from './bare-argon2.ts'
import { type Cores, pin } from './cores.ts'
import { load, type Source } from './load.ts'
import type { Script, Service } from './processes.ts'
import { measureProcessors, usedMicros } from './processor-time.ts'
import { type Account, bareMe, login, me, refresh, register, typename } from './requests.ts'
import { percentile, type Row, ratioRow } from './table.ts'

/** What runs and takes part in the measurements. */
export type Stage = {
  service: Service
  bareServer: Script
  bareApollo: Script
  bareArgon2: Script
  /** Of the service's database. */
  pool: pg.Pool
  /** One for each connection: `me` uses their sessions. */
  holders: Account[]
  /** As many, whose sessions are refreshed. */
  refreshers: Account[]
  /** Those who sign in again and again, which at some point ends their oldest sessions. */
  signers: Account[]
  cores: Cores | undefined
}

/** Short and many, for what disturbs the machine comes and goes within seconds. */
const ROUNDS = 9
const ROUND_MS = 1000
export const CONNECTIONS = 32

/** Enough that the queue for the hashes is never empty. */
const HASHING_CONNECTIONS = 16
const HASHING_WARM_UP_MS = 10_000

const QUEUED_LOGINS = 64
const LATENCY_CONNECTIONS = 4
const QUEUE_UP_MS = 500

/** Requests a second of what is not slow on purpose, one core serving. */
export async function throughput({
  service,
  bareServer,
  bareApollo,
  holders,
  refreshers,
  cores,
}: Stage): Promise<Row[]> {
  await pin(service.pid, cores?.serving)
  await pin(bareServer.pid, cores?.serving)
  await pin(bareApollo.pid, cores?.serving)
  const barePort = Number(bareServer.greeting)
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

/** Calls a second, and calls for each second of processor time: of the process, and with PostgreSQL's share. */
type Hashed = { rate: number; perProcessor: number; withDatabase: number }

/** Sign-ins and registrations a second, all cores hashing. */
export async function hashing({ service, bareArgon2, signers, pool, cores }: Stage): Promise<Row[]> {
  await pin(service.pid, cores?.all)
  const served = async (source: Source, ms = ROUND_MS): Promise<Hashed> => {
    const before = usedMicros(service.pid)
    const spentMs = await measureProcessors(service.pid, pool)
    const signal = AbortSignal.timeout(ms)
    const { rate, latenciesMs } = await load(service.port, HASHING_CONNECTIONS, source, signal)
    const perProcessor = (1e6 * latenciesMs.length) / (usedMicros(service.pid) - before)
    return { rate, perProcessor, withDatabase: (1e3 * latenciesMs.length) / (await spentMs()) }
  }
  const bare = async (task: Order['task']): Promise<Hashed> => {
    const before = usedMicros(bareArgon2.pid)
    const { rate, calls } = (await bareArgon2.ask({ task, ms: ROUND_MS } satisfies Order)) as Done
    const perProcessor = (1e6 * calls) / (usedMicros(bareArgon2.pid) - before)
    return { rate, perProcessor, withDatabase: perProcessor }
  }
  // Until V8 has compiled the code of a sign-in, the event loop takes up to twice as long. argon2 has nothing to compile.
  for (const source of [login(signers), register()]) await served(source, HASHING_WARM_UP_MS)
  const rounds = await inTurns({
    login: () => served(login(signers)),
    verify: () => bare('verify'),
    register: () => served(register()),
    hash: () => bare('hash'),
  })
  const rows = (what: string, measured: Hashed[], name: string, limit: Hashed[]) => {
    const row = (which: string, of: keyof Hashed, show: (rate: number) => string) =>
      ratioRow(
        what + which,
        measured.map(each => each[of]),
        name,
        limit.map(each => each[of]),
        show,
        { atLeast: 1.7 },
      )
    return [
      row('', 'rate', perSecond),
      row(', processor time', 'perProcessor', msEach),
      row(', with PostgreSQL', 'withDatabase', msEach),
    ]
  }
  return [
    ...rows('login', rounds.login, 'argon2.verify', rounds.verify),
    ...rows('register', rounds.register, 'argon2.hash', rounds.hash),
  ]
}

/** How long `me` and `refreshToken` take while logins queue. */
export async function latency({ service, holders, refreshers, signers, cores }: Stage): Promise<Row[]> {
  await pin(service.pid, cores?.all)
  const p99 = async (source: Source) => {
    const signal = AbortSignal.timeout(ROUND_MS)
    const { latenciesMs } = await load(service.port, LATENCY_CONNECTIONS, source, signal)
    return percentile(latenciesMs, 0.99)
  }
  const p99AmongLogins = async (source: Source) => {
    const measured = new AbortController()
    const logins = load(service.port, QUEUED_LOGINS, login(signers), measured.signal)
    const queued = sleep(QUEUE_UP_MS)
      .then(() => p99(source))
      .finally(() => measured.abort())
    return (await Promise.all([queued, logins]))[0]
  }
  const mes = me(holders)
  const refreshes = refresh(refreshers)
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
export async function inTurns<Name extends string, Result = number>(
  tasks: Record<Name, () => Promise<Result>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(tasks) as Name[]
  const results = Object.fromEntries(names.map(name => [name, [] as Result[]])) as Record<Name, Result[]>
  for (const name of names) await tasks[name]()
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) results[name].push(await tasks[name]())
  }
  return results
}

export function perSecond(rate: number): string {
  return `${rate < 1000 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en')}/s`
}

function msEach(rate: number): string {
  return milliseconds(1000 / rate)
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
