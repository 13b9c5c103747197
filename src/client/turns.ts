import { sleep } from './http.ts'
import { pageStorage } from './storage.ts'

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

/** Longer than an exchange with all its repeats takes, unless the network is very slow. */
const MAX_WAIT_MS = 15_000

/** Picks the best way to take turns that this platform has. Without a name, the client has no other tabs. */
export function turnsFor(name: string | undefined, given: Locks | undefined): Turns {
  if (name === undefined) return localTurns()
  const locks = given ?? globalThis.navigator?.locks
  if (locks) return lockTurns(locks, name)
  const storage = pageStorage()
  return storage ? leaseTurns(storage, name) : localTurns()
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
