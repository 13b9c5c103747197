import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { type Cores, pin } from './cores.ts'
import { load } from './load.ts'
import { type Service, type Settings, startService } from './processes.ts'
import { usedMicros } from './processor-time.ts'
import { type Account, makeAccounts, me } from './requests.ts'
import { CONNECTIONS, perSecond } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

/** Several, because one process differs from the next by a few percent, also in what the compiler makes of a switch. */
const STARTS = 3
const WARM_UP_ROUNDS = 20
/** Short and many, because other work on the machine comes and goes within a second. */
const ROUNDS = 100
const ROUND_MS = 80

/**
 * What the tracing that is off costs `me`, in processor time. One process serves with the calls of tracing and without
 * them in turns, because two processes with the same code differ by more than the goal allows. One core serves.
 */
export async function tracing(
  database: EmbeddedDatabase,
  settings: Settings,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const rates: Record<'with' | 'without', number[]> = { with: [], without: [] }
  const DATABASE_URL = await database.ensureDatabase('tracing')
  const loader = new URL('tracing-loader.js', import.meta.url)
  for (let start = 0; start < STARTS; start++) {
    const service = await startService(
      { ...settings, DATABASE_URL, NODE_OPTIONS: `--import=${loader}` },
      folder,
    )
    try {
      const accounts = await makeAccounts(service.port, CONNECTIONS)
      await pin(service.pid, cores?.serving)
      for (let round = 0; round < WARM_UP_ROUNDS; round++) {
        await rateOf(service, accounts)
        process.kill(service.pid, 'SIGUSR2')
      }
      for (let half = 0; half < 2 * ROUNDS; half++) {
        // With, without, without, with: what grows during a pair favors neither.
        const calls = half % 4 === 0 || half % 4 === 3 ? 'with' : 'without'
        rates[calls].push(await rateOf(service, accounts))
        if (half % 2 === 0) process.kill(service.pid, 'SIGUSR2')
      }
    } finally {
      await service.stop()
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
