import { readdir, readFile } from 'node:fs/promises'
import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { type Cores, pin } from './cores.ts'
import { load } from './load.ts'
import { type Service, type Settings, startService } from './processes.ts'
import { type Account, me, register } from './requests.ts'
import { CONNECTIONS, perSecond } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

/** Several starts of each, because one process differs from the next by a few percent. */
const STARTS = 3
/** Short and many, because other work on the machine comes and goes within a second. */
const ROUNDS = 40
const ROUND_MS = 100

/**
 * What the tracing that is off costs `me`, in processor time: the service as it is, and the service without the calls of
 * tracing, which a loader removes from its modules. One core serves.
 */
export async function tracing(
  database: EmbeddedDatabase,
  settings: Settings,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const rates: Record<'with' | 'without', number[]> = { with: [], without: [] }
  for (let start = 0; start < STARTS; start++) {
    const services: Service[] = []
    const servedBy = async (hooks: 'with' | 'without') => {
      const DATABASE_URL = await database.ensureDatabase(`tracing_${hooks}`)
      // Both have the loader, which leaves the modules as they are with `with`.
      const loader = new URL(`tracing-loader.js?${hooks}`, import.meta.url)
      const service = await startService(
        { ...settings, DATABASE_URL, NODE_OPTIONS: `--import=${loader}` },
        folder,
      )
      services.push(service)
      const accounts = await makeAccounts(service.port)
      await pin(service.pid, cores?.serving)
      return () => rateOf(service, accounts)
    }
    try {
      const order = start % 2 ? (['without', 'with'] as const) : (['with', 'without'] as const)
      const turns = []
      for (const hooks of order) turns.push({ hooks, rate: await servedBy(hooks) })
      for (const { rate } of turns) for (let round = 0; round < ROUNDS / 4; round++) await rate()
      for (let round = 0; round < ROUNDS; round++)
        for (const { hooks, rate } of round % 2 ? turns.toReversed() : turns) rates[hooks].push(await rate())
    } finally {
      for (const service of services) await service.stop()
    }
  }
  return [ratioRow('me, tracing off', rates.with, 'no tracing', rates.without, perSecond, { atLeast: 0.98 })]
}

async function makeAccounts(port: number): Promise<Account[]> {
  const accounts: Account[] = []
  const enough = new AbortController()
  const made = register(account => {
    if (accounts.push(account) === CONNECTIONS) enough.abort()
  })
  await load(port, 2, made, enough.signal)
  return accounts.slice(0, CONNECTIONS)
}

/** Requests a second of the service's processor time. */
async function rateOf({ pid, port }: Service, accounts: Account[]): Promise<number> {
  const before = await processorSeconds(pid)
  const { latenciesMs } = await load(port, CONNECTIONS, me(accounts), AbortSignal.timeout(ROUND_MS))
  return latenciesMs.length / ((await processorSeconds(pid)) - before)
}

/** Of all threads, from Linux’s scheduler, which counts in nanoseconds. */
async function processorSeconds(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const times = threads.map(async thread => {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')
    return Number(text.split(' ', 1)[0])
  })
  return (await Promise.all(times)).reduce((sum, time) => sum + time, 0) / 1e9
}
