import { cpus } from 'node:os'
import pg from 'pg'
import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { type Cores, pin } from './cores.ts'
import { answerBytes, introspection, loadLightly, newDocuments } from './light-load.ts'
import { load, type Source } from './load.ts'
import { type Settings, startService } from './processes.ts'
import { usedMicros, withChildren } from './processor-time.ts'
import { type Account, makeAccounts, me, refresh, typename } from './requests.ts'
import { inTurns, perSecond } from './stages.ts'
import { micros, type Row, ratioRow, valueRow } from './table.ts'

const WORKERS = 2
/** Long enough that handing over the connections at its start counts for little. */
const ROUND_MS = 1500
/** What is compiled while it runs is compiled in each process. */
const WARM_UP_MS = 5000
/** For each process that serves, because what arrives in the same moment shares its look-ups. */
const CONNECTIONS = 16
/** Enough that a process always has a request, where nothing is shared. */
const FEW_CONNECTIONS = 4

type Server = { port: number; pids: number[]; processes: number; accounts: Account[]; database: pg.Client }
/** Servers that serve at the same time, and the core that they have, if they have only one. */
type Group = { servers: Server[]; core: string | undefined }
type Groups = Record<'workers' | 'one' | 'apart', Group>
type Ask = (server: Server, signal: AbortSignal) => Promise<number>

/**
 * Two workers on two cores beside one process on one of them, and beside two servers that know nothing of each other on
 * both, which is as much as the machine can do: requests a second, and processor time of a request. Each process that
 * serves has a core to itself.
 *
 * Two kinds of requests. Those that the server answers alone: the load generator takes nearly nothing, PostgreSQL nothing.
 * And those for which the load generator and PostgreSQL work as well: with one process they share its core, with two they
 * share both, so that the second half of the machine does as much as the first one.
 */
export async function sharing(
  database: EmbeddedDatabase,
  settings: Settings,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const stops: (() => Promise<void>)[] = []
  const all = cores?.all.split(',') ?? []
  const start = async (name: string, processes: number, on: number): Promise<Server> => {
    const DATABASE_URL = await database.ensureDatabase(name)
    const environment = { ...settings, DATABASE_URL, INTROSPECTION: 'on', WORKERS: String(processes) }
    const service = await startService(environment, folder)
    stops.push(service.stop)
    const accounts = await makeAccounts(service.port, 2 * processes * CONNECTIONS)
    const pids = withChildren(service.pid)
    // The first process of several serves nothing.
    const serving = processes === 1 ? pids : pids.filter(pid => pid !== service.pid)
    for (const [index, pid] of serving.entries()) await pin(pid, all[on + index])
    const client = new pg.Client({ connectionString: DATABASE_URL })
    await client.connect()
    stops.push(() => client.end())
    return { port: service.port, pids, processes, accounts, database: client }
  }
  try {
    const groups: Groups = {
      workers: { servers: [await start('workers', WORKERS, 0)], core: undefined },
      one: { servers: [await start('one', 1, 0)], core: all[0] },
      apart: { servers: [await start('apart', 1, 0), await start('beside', 1, 1)], core: undefined },
    }
    return [...(await alone(groups, cores)), ...(await withDatabase(groups, cores))]
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

/** What the server answers without the database. */
async function alone(groups: Groups, cores: Cores | undefined): Promise<Row[]> {
  await pin(process.pid, cores?.all)
  const rows: Row[] = []
  for (const [name, requests] of [
    ['introspection', introspection()],
    ['new documents', newDocuments()],
  ] as const) {
    const bytes = new Map<Server, number>()
    for (const server of Object.values(groups).flatMap(({ servers }) => servers))
      bytes.set(server, await answerBytes(server.port, requests()))
    const ask: Ask = (server, signal) =>
      loadLightly(server.port, server.processes * FEW_CONNECTIONS, requests, bytes.get(server) ?? 0, signal)
    const { own, other, ...measured } = await compare(groups, ask, async () => {})
    rows.push(...measured.rows(name))
    rows.push(valueRow(`${name}: load generator, of a core`, own, percent, { atMost: 0.05 }))
    rows.push(valueRow(`${name}: all else on the machine, of a core`, other, percent, { atMost: 0.05 }))
  }
  return rows
}

/** What PostgreSQL and the load generator take part in. */
async function withDatabase(groups: Groups, cores: Cores | undefined): Promise<Row[]> {
  const sources: [string, (server: Server) => Source][] = [
    ['{__typename}', () => typename()],
    ['me', ({ accounts, processes }) => me(accounts.slice(0, processes * CONNECTIONS))],
    ['refreshToken', ({ accounts, processes }) => refresh(accounts.slice(processes * CONNECTIONS))],
  ]
  const rows: Row[] = []
  for (const [name, source] of sources) {
    const ask: Ask = async (server, signal) =>
      (await load(server.port, server.processes * CONNECTIONS, source(server), signal)).latenciesMs.length
    const settle = async ({ servers, core }: Group) => {
      await pin(process.pid, core ?? cores?.all)
      if (core !== undefined) for (const server of servers) await pinBackends(server, core)
    }
    rows.push(...(await compare(groups, ask, settle)).rows(`${name}, PostgreSQL and load included`))
  }
  return rows
}

/** The processes of PostgreSQL that work for this server. */
async function pinBackends({ database }: Server, core: string): Promise<void> {
  const { rows } = await database.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE datname = current_database()',
  )
  for (const { pid } of rows) await pin(pid, core)
}

async function compare(groups: Groups, ask: Ask, settle: (group: Group) => Promise<void>) {
  const costs: Record<keyof Groups, number[]> = { workers: [], one: [], apart: [] }
  const shares: number[] = []
  /** Of the load generator, and of all other processes, while two processes serve. */
  const own: number[] = []
  const other: number[] = []
  const measure = async (name: keyof Groups, ms: number) => {
    const group = groups[name]
    await settle(group)
    const before = spent(group)
    const signal = AbortSignal.timeout(ms)
    const counts = await Promise.all(group.servers.map(server => ask(server, signal)))
    const answers = counts.reduce((total, count) => total + count, 0)
    const after = spent(group)
    const wall = after.at - before.at
    const [serving, generating] = [after.serving - before.serving, after.own - before.own]
    costs[name].push(serving / answers)
    if (name !== 'one') {
      own.push(generating / wall)
      other.push((after.machine - before.machine - serving - generating) / wall)
    }
    if (name === 'workers') shares.push(largestShare(before.each, after.each))
    return (answers * 1e6) / wall
  }
  for (const name of Object.keys(groups) as (keyof Groups)[]) await measure(name, WARM_UP_MS)
  for (const values of [...Object.values(costs), shares, own, other]) values.length = 0
  const rates = await inTurns({
    workers: () => measure('workers', ROUND_MS),
    one: () => measure('one', ROUND_MS),
    apart: () => measure('apart', ROUND_MS),
  })
  const rows = (name: string): Row[] => {
    const what = `${name}, ${WORKERS} workers`
    const cost = `${what}, processor time`
    return [
      ratioRow(what, rates.workers, 'one process', rates.one, perSecond, { atLeast: 1.8 }),
      ratioRow(what, rates.workers, 'two servers', rates.apart, perSecond, { atLeast: 0.95 }),
      ratioRow(cost, costs.workers, 'one process', costs.one, micros, { atMost: 1.05 }),
      ratioRow(cost, costs.workers, 'two servers', costs.apart, micros, { atMost: 1.05 }),
      valueRow(`${what}, share of the busier one`, shares, percent, { atMost: 0.55 }),
    ]
  }
  return { rows, own, other }
}

/** Microseconds of processor time so far. */
function spent({ servers }: Group) {
  const each = servers.flatMap(({ pids }) => pids).map(usedMicros)
  const { user, system } = process.cpuUsage()
  const busyMs = cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq)
  return {
    at: performance.now() * 1000,
    each,
    serving: sum(each),
    own: user + system,
    machine: sum(busyMs) * 1000,
  }
}

/** Of what the processes of a server have spent, the share of the one that has spent the most. */
function largestShare(before: number[], after: number[]): number {
  const each = after.map((value, index) => value - (before[index] ?? 0))
  return Math.max(...each) / sum(each)
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
