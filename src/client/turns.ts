import { onDemand } from './on-demand.ts'
import { pageStorage } from './page-storage.ts'
import { MAX_WAIT_MS } from './tabs.ts'

/**
 * Runs one `run` at a time, in this client and across tabs. `waited` says whether another one ran before.
 * Waiting has a limit: turns save requests, and the server tolerates exchanges that overlap.
 */
export type Turns = <Result>(run: (waited: boolean) => Promise<Result>) => Promise<Result>

/** The part of `navigator.locks` that the client uses. */
export type Locks = {
  request<Result>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    run: (lock: unknown) => Promise<Result> | Result,
  ): Promise<Result>
}

/** Picks the best way to take turns that this platform has. Without a name, the client has no other tabs. */
export function turnsFor(name: string | undefined, given: Locks | undefined): Turns {
  if (name === undefined) return localTurns()
  const locks = given ?? globalThis.navigator?.locks
  if (locks) return lockTurns(locks, name)
  const storage = pageStorage()
  return storage ? leaseTurnsOnDemand(storage, name) : localTurns()
}

/** Only pages without https need leases. If the code for them cannot be loaded, tabs take no turns. */
function leaseTurnsOnDemand(storage: Storage, name: string): Turns {
  const withinClient = localTurns()
  const loaded = onDemand(async () => (await import('./lease-turns.ts')).leaseTurns(storage, name))
  return async run => (await loaded().catch(() => withinClient))(run)
}

/** Turns within one client. */
export function localTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  let queued = 0
  return run => {
    const waited = queued++ > 0
    const mine = last.then(() => run(waited)).finally(() => queued--)
    last = mine.catch(() => {})
    return mine
  }
}

/** Turns across the tabs of an origin by the Web Locks API; within the client if the page may not lock. */
export function lockTurns(locks: Locks, name: string): Turns {
  const withinClient = localTurns()
  return async run => {
    let begun = false
    const begin = (waited: boolean) => {
      begun = true
      return run(waited)
    }
    const givingUp = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const free = await locks.request(name, { ifAvailable: true }, async lock =>
        lock ? { result: await begin(false) } : undefined,
      )
      if (free) return free.result
      timer = setTimeout(() => givingUp.abort(), MAX_WAIT_MS)
      return await locks.request(name, { signal: givingUp.signal }, () => {
        clearTimeout(timer)
        return begin(true)
      })
    } catch (error) {
      if (begun) throw error
      // Another tab holds the lock for too long, or the browser forbids locks, as in a frame without an
      // origin or when the user blocks cookies.
      return givingUp.signal.aborted ? run(true) : withinClient(run)
    } finally {
      clearTimeout(timer)
    }
  }
}
