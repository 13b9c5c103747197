import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import { type Cores, pin } from './cores.ts'
import { load } from './load.ts'
import { type Service, type Settings, startService } from './processes.ts'
import { usedMicros } from './processor-time.ts'
import { type Account, makeAccounts, me } from './requests.ts'
import { CONNECTIONS } from './stages.ts'

/** Several starts of each, because one process differs from the next by a few percent. */
const STARTS = 4
/** Short and many, because other work on the machine comes and goes within a second. */
const ROUNDS = 40
const ROUND_MS = 150

/**
 * The rate of `me` of services that differ only in their settings, side by side: requests a second of processor time, one
 * for each round. The services take turns, and one core serves.
 */
export async function meBeside<Name extends string>(
  database: EmbeddedDatabase,
  folder: string,
  cores: Cores | undefined,
  settings: Record<Name, Settings>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(settings) as Name[]
  const rates = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<Name, number[]>
  for (let start = 0; start < STARTS; start++) {
    const services: Service[] = []
    const servedBy = async (name: Name) => {
      const DATABASE_URL = await database.ensureDatabase(`me_${name}`)
      const service = await startService({ ...settings[name], DATABASE_URL }, folder)
      services.push(service)
      const accounts = await makeAccounts(service.port, CONNECTIONS)
      await pin(service.pid, cores?.serving)
      return { name, rate: () => rateOf(service, accounts) }
    }
    try {
      const turns = []
      for (const name of start % 2 ? names.toReversed() : names) turns.push(await servedBy(name))
      for (const { rate } of turns) for (let round = 0; round < ROUNDS / 4; round++) await rate()
      for (let round = 0; round < ROUNDS; round++)
        for (const { name, rate } of round % 2 ? turns.toReversed() : turns) rates[name].push(await rate())
    } finally {
      for (const service of services) await service.stop()
    }
  }
  return rates
}

/** Requests a second of the service's processor time. */
async function rateOf({ pid, port }: Service, accounts: Account[]): Promise<number> {
  const before = usedMicros(pid)
  const { latenciesMs } = await load(port, CONNECTIONS, me(accounts), AbortSignal.timeout(ROUND_MS))
  return (1e6 * latenciesMs.length) / (usedMicros(pid) - before)
}
