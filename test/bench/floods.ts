import { setTimeout as sleep } from 'node:timers/promises'
import { type Cores, pin } from './cores.ts'
import { load, type Source } from './load.ts'
import type { Service } from './processes.ts'
import { type Account, badLinks, badLogins, badRefreshTokens, me } from './requests.ts'
import { inTurns, milliseconds } from './stages.ts'
import { percentile, type Row, ratioRow } from './table.ts'

/** What the flooded service runs with: few free attempts, so that the floods meet a blocked address. */
export const FLOOD_SETTINGS = {
  LIMIT_LOGIN_NETWORK: '5/15m',
  LIMIT_REFRESH_NETWORK: '5/15m',
  LIMIT_TOKEN_NETWORK: '5/15m',
}

const CLIENTS = 500
const ASKING_CONNECTIONS = 4
const ROUND_MS = 1000
/** Until every client of the flood has been refused and sends its next attempt. */
const SETTLE_MS = 2000
/** No flood goes on longer, whatever happens. */
const FLOOD_MAX_MS = 10_000

/** How long `me` takes while 500 clients of a blocked address keep sending what is refused. */
export async function floods(
  service: Service,
  accounts: Account[],
  cores: Cores | undefined,
): Promise<Row[]> {
  await pin(service.pid, cores?.all)
  const p99 = async () => {
    const signal = AbortSignal.timeout(ROUND_MS)
    const { latenciesMs } = await load(service.port, ASKING_CONNECTIONS, me(accounts), signal)
    return percentile(latenciesMs, 0.99)
  }
  const p99Among = async (source: Source) => {
    await block(service, source)
    const measured = new AbortController()
    const signal = AbortSignal.any([measured.signal, AbortSignal.timeout(FLOOD_MAX_MS)])
    const flood = load(service.port, CLIENTS, source, signal)
    const asked = sleep(SETTLE_MS)
      .then(p99)
      .finally(() => measured.abort())
    return (await Promise.all([asked, flood]))[0]
  }
  const times = await inTurns({
    logins: () => p99Among(badLogins()),
    refreshTokens: () => p99Among(badRefreshTokens()),
    links: () => p99Among(badLinks()),
    alone: p99,
  })
  const row = (what: string, measured: number[]) =>
    ratioRow(`p99 of me, ${CLIENTS} ${what}`, measured, 'alone', times.alone, milliseconds, { atMost: 3 })
  return [
    row('blocked sign-ins', times.logins),
    row('bad refresh tokens', times.refreshTokens),
    row('bad links', times.links),
  ]
}

/** The address of this process is blocked before the flood begins. */
async function block(service: Service, source: Source): Promise<void> {
  const blocked = new AbortController()
  const answered = (_connection: number, body: string) => {
    if (body.includes('"code":"RATE_LIMITED"')) blocked.abort()
  }
  const signal = AbortSignal.any([blocked.signal, AbortSignal.timeout(FLOOD_MAX_MS)])
  await load(service.port, 1, { ...source, answered }, signal)
  if (!blocked.signal.aborted) throw new Error('The address is not blocked.')
}
