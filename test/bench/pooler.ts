import { readdirSync, readFileSync } from 'node:fs'
import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { type Pooler, startPooler } from '../support/pooler.ts'
import { load, type Source } from './load.ts'
import { type Service, type Settings, startService } from './processes.ts'
import { parentOf, usedMicros } from './processor-time.ts'
import { type Account, makeAccounts, me, refresh } from './requests.ts'
import { micros, type Row, ratioRow } from './table.ts'

const ROUNDS = 7
const ROUND_MS = 800
const CONNECTIONS = 16
const POOL_SIZE = 10

type Costs = { server: number; all: number }
type Machine = { postmaster: number; pooler: Pooler }

/**
 * Processor time of a request behind PgBouncer in transaction mode, as a ratio to the same service without it: that of the
 * server, and that of server, pooler and PostgreSQL together.
 */
export async function pooled(database: EmbeddedDatabase, settings: Settings, folder: string): Promise<Row[]> {
  const databaseUrl = await database.ensureDatabase('pooled')
  const pooler = await startPooler(database.url('postgres'), POOL_SIZE)
  const services: Service[] = []
  try {
    for (const DATABASE_URL of [databaseUrl, pooler.url(databaseUrl)])
      services.push(await startService({ ...settings, DATABASE_URL }, folder))
    const postmaster = Number.parseInt(readFileSync(`${database.dir}/postmaster.pid`, 'utf8'), 10)
    return await compare(services, { postmaster, pooler })
  } finally {
    for (const service of services) await service.stop()
    await pooler.close()
  }
}

async function compare(services: Service[], machine: Machine): Promise<Row[]> {
  const scenes: { service: Service; accounts: Account[] }[] = []
  for (const service of services)
    scenes.push({ service, accounts: await makeAccounts(service.port, 2 * CONNECTIONS) })
  const kinds: [string, (accounts: Account[]) => Source][] = [
    ['me', accounts => me(accounts.slice(0, CONNECTIONS))],
    ['refreshToken', accounts => refresh(accounts.slice(CONNECTIONS))],
  ]
  const rows: Row[] = []
  for (const [name, source] of kinds) {
    const costs: [Costs[], Costs[]] = [[], []]
    for (let round = -1; round < ROUNDS; round++) {
      for (const index of round % 2 ? [0, 1] : [1, 0]) {
        const scene = scenes[index]
        if (!scene) continue
        const cost = await costOf(scene.service, machine, source(scene.accounts))
        if (round >= 0) costs[index as 0 | 1].push(cost)
      }
    }
    for (const [who, part] of [
      ['server', 'server'],
      ['with PostgreSQL', 'all'],
    ] as const) {
      const [direct, through] = costs.map(measured => measured.map(cost => cost[part])) as [
        number[],
        number[],
      ]
      const what = `${name} behind PgBouncer ${machine.pooler.version}, ${who}`
      rows.push(ratioRow(what, through, 'direct', direct, micros, { atMost: 2 }))
    }
  }
  return rows
}

/** Microseconds of processor time for a request. */
async function costOf(service: Service, machine: Machine, source: Source): Promise<Costs> {
  const before = { server: usedMicros(service.pid), all: sum(helpersOf(machine)) }
  const { latenciesMs } = await load(service.port, CONNECTIONS, source, AbortSignal.timeout(ROUND_MS))
  const server = usedMicros(service.pid) - before.server
  // A connection that was opened meanwhile has its process from the beginning.
  const all = server + sum(helpersOf(machine)) - before.all
  return { server: server / latenciesMs.length, all: all / latenciesMs.length }
}

/** The processes of the database and of the pooler. */
function helpersOf({ postmaster, pooler }: Machine): number[] {
  const all = readdirSync('/proc').map(Number).filter(Boolean)
  const isBackend = (pid: number) => parentOf(pid) === postmaster
  return [pooler.pid(), ...all.filter(isBackend)]
}

function sum(pids: number[]): number {
  return pids.reduce((total, pid) => total + usedMicros(pid), 0)
}
