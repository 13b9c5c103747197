import { sleep } from './http.ts'

/**
 * Runs `run` while nobody else does, be it in this client or another tab; `waited` says whether somebody
 * did before. Who holds on for too long is no longer waited for: a lock here saves work and spares the
 * server's patience with repeated tokens, but nothing is lost without it.
 */
export type Turns = <Result>(run: (waited: boolean) => Promise<Result>) => Promise<Result>

/** What is used of `navigator.locks`. */
export type Locks = {
  request<Result>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    run: (lock: unknown) => Promise<Result> | Result,
  ): Promise<Result>
}

/** Longer than one exchange takes with all its repeats, unless the network is very slow. */
const QUERY_TIMEOUT_MS = 15_000

/** Turns among the callers of this one function. */
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

/** Turns among the tabs of an origin, by the Web Locks API; among the callers alone where the page may not lock. */
export function lockTurns(locks: Locks, name: string): Turns {
  const alone = localTurns()
  return async run => {
    let begun = false
    const begin = (waited: boolean) => {
      begun = true
      return run(waited)
    }
    const patience = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const free = await locks.request(name, { ifAvailable: true }, async lock =>
        lock ? { result: await begin(false) } : undefined,
      )
      if (free) return free.result
      timer = setTimeout(() => patience.abort(), QUERY_TIMEOUT_MS)
      return await locks.request(name, { signal: patience.signal }, () => {
        clearTimeout(timer)
        return begin(true)
      })
    } catch (error) {
      if (begun) throw error
      // Somebody holds on for too long; or locks are forbidden, as in a frame without an origin
      // or where the user has blocked cookies.
      return patience.signal.aborted ? run(true) : alone(run)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** How long a holder that has gone away, such as a closed tab, keeps the others waiting. */
const LEASE_MS = 5000
const RENEW_MS = 1000
/** Until another tab is sure to see what this one wrote, and between two looks. */
const SETTLE_MS = 30

/**
 * Turns among the tabs of an origin where there are no Web Locks, as on pages without https: an entry of
 * `localStorage` names the holder. Two that write it at the same moment look again after a while, and the
 * later one wins.
 */
export function leaseTurns(
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>,
  name: string,
): Turns {
  const held = () => {
    const [owner, until] = storage.getItem(name)?.split(' ') ?? []
    const leftMs = Number(until) - Date.now()
    // More than a lease means that the clock was set back.
    return leftMs > 0 && leftMs <= LEASE_MS ? owner : undefined
  }
  return async run => {
    const me = Math.random().toString(36).slice(2)
    /** False where nothing can be written, as where the storage is full: then there are no turns to wait for. */
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
    for (let waitedMs = 0; waitedMs < QUERY_TIMEOUT_MS; waitedMs += SETTLE_MS) {
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
