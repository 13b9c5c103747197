import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { type Cores, pin } from './cores.ts'
import { load, type Source } from './load.ts'
import { type Settings, startService } from './processes.ts'
import { usedMicros, withChildren } from './processor-time.ts'
import { type Account, makeAccounts, me, refresh, typename } from './requests.ts'
import { inTurns } from './stages.ts'
import { micros, type Row, ratioRow } from './table.ts'

const WORKERS = 2
const ROUND_MS = 500
/** What is compiled while it runs is compiled in each process. */
const WARM_UP_MS = 3000
/** For each process that serves, because what arrives in the same moment shares its look-ups. */
const CONNECTIONS = 16

type Server = { port: number; pids: number[]; connections: number; accounts: Account[] }
/** Servers that serve at the same time. */
type Group = Server[]

/**
 * Processor time of a request with two workers, all processes of the server together, as a ratio to one process, and to two
 * servers without workers side by side. Each process that serves has as many connections. All of them share one core, so
 * the second ratio tells what workers cost, and the first one also what sharing a core costs.
 */
export async function sharing(
  database: EmbeddedDatabase,
  settings: Settings,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const stops: (() => Promise<void>)[] = []
  const start = async (name: string, count: number): Promise<Server> => {
    const DATABASE_URL = await database.ensureDatabase(name)
    const service = await startService({ ...settings, DATABASE_URL, WORKERS: String(count) }, folder)
    stops.push(service.stop)
    const connections = count * CONNECTIONS
    const accounts = await makeAccounts(service.port, 2 * connections)
    const pids = withChildren(service.pid)
    for (const pid of pids) await pin(pid, cores?.serving)
    return { port: service.port, pids, connections, accounts }
  }
  try {
    const one = [await start('one', 1)]
    const apart = [await start('apart', 1), await start('apart', 1)]
    return await compare({ one, apart, workers: [await start('workers', WORKERS)] })
  } finally {
    for (const stop of stops) await stop()
  }
}

async function compare(groups: Record<'one' | 'apart' | 'workers', Group>): Promise<Row[]> {
  const sources: [string, (server: Server) => Source][] = [
    ['{__typename}', () => typename()],
    ['me', ({ accounts, connections }) => me(accounts.slice(0, connections))],
    ['refreshToken', ({ accounts, connections }) => refresh(accounts.slice(connections))],
  ]
  const rows: Row[] = []
  for (const [name, source] of sources) {
    for (const group of Object.values(groups)) await costOf(group, source, WARM_UP_MS)
    const costs = await inTurns({
      workers: () => costOf(groups.workers, source, ROUND_MS),
      one: () => costOf(groups.one, source, ROUND_MS),
      apart: () => costOf(groups.apart, source, ROUND_MS),
    })
    const row = (limit: string, values: number[]) =>
      ratioRow(`${name}, ${WORKERS} workers`, costs.workers, limit, values, micros, { atMost: 1.05 })
    rows.push(row('one process', costs.one), row('two servers', costs.apart))
  }
  return rows
}

/** Microseconds of processor time for a request. */
async function costOf(group: Group, source: (server: Server) => Source, ms: number): Promise<number> {
  const used = () => group.flatMap(({ pids }) => pids).reduce((total, pid) => total + usedMicros(pid), 0)
  const before = used()
  const signal = AbortSignal.timeout(ms)
  const loads = await Promise.all(
    group.map(server => load(server.port, server.connections, source(server), signal)),
  )
  const answers = loads.reduce((total, { latenciesMs }) => total + latenciesMs.length, 0)
  return (used() - before) / answers
}
