import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { type Cores, pin } from './cores.ts'
import { load } from './load.ts'
import { type Service, type Settings, startService } from './processes.ts'
import { usedMicros } from './processor-time.ts'
import { type Account, makeAccounts, me } from './requests.ts'
import { CONNECTIONS, perSecond } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

/** Several starts of each, because one process differs from the next by a few percent. */
const STARTS = 3
/** Short and many, because other work on the machine comes and goes within a second. */
const ROUNDS = 40
const ROUND_MS = 100

/**
 * What the tracing that is off costs `me`, in processor time: the service as it is, and the service without the calls of
 * tracing, which a preloaded script removes. One core serves.
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
      // Both have the script, which leaves the code as it is with `with`.
      const loader = new URL(`tracing-loader.js?${hooks}`, import.meta.url)
      const service = await startService(
        { ...settings, DATABASE_URL, NODE_OPTIONS: `--import=${loader}` },
        folder,
      )
      services.push(service)
      const accounts = await makeAccounts(service.port, CONNECTIONS)
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

/** Requests a second of the service's processor time. */
async function rateOf({ pid, port }: Service, accounts: Account[]): Promise<number> {
  const before = usedMicros(pid)
  const { latenciesMs } = await load(port, CONNECTIONS, me(accounts), AbortSignal.timeout(ROUND_MS))
  return (1e6 * latenciesMs.length) / (usedMicros(pid) - before)
}
