import { sleep } from './http.ts'
import { MAX_WAIT_MS } from './tabs.ts'
import type { Turns } from './turns.ts'

/** How long a tab that was closed during its turn keeps the others waiting. */
const LEASE_MS = 5000
const RENEW_MS = 1000
/** How long a write takes to be visible in every tab; also the interval between checks. */
const SETTLE_MS = 30

/**
 * Turns across the tabs of an origin without Web Locks, as on pages without https: an entry in `localStorage`
 * names the holder. If two tabs write it at the same moment, both check again, and the later one wins.
 */
export function leaseTurns(
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>,
  name: string,
): Turns {
  const held = () => {
    const [owner, until] = storage.getItem(name)?.split(' ') ?? []
    const leftMs = Number(until) - Date.now()
    // More than a full lease remains only if the clock was set back.
    return leftMs > 0 && leftMs <= LEASE_MS ? owner : undefined
  }
  return async run => {
    const me = Math.random().toString(36).slice(2)
    /** False if nothing can be written, as in a full storage: then no tab holds a lease. */
    const hold = () => {
      try {
        storage.setItem(name, `${me} ${Date.now() + LEASE_MS}`)
        return true
      } catch {
        return false
      }
    }
    const release = () => {
      if (held() === me) storage.removeItem(name)
    }
    let waited = false
    for (let waitedMs = 0; waitedMs < MAX_WAIT_MS; waitedMs += SETTLE_MS) {
      if (!held()) {
        if (!hold()) break
        await sleep(SETTLE_MS)
        if (held() === me) break
      }
      waited = true
      await sleep(SETTLE_MS * (0.5 + Math.random()))
    }
    const renewal = setInterval(hold, RENEW_MS)
    try {
      return await run(waited)
    } finally {
      clearInterval(renewal)
      release()
    }
  }
}
