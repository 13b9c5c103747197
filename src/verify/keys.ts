import { importJWK, type JWK } from 'jose'
import { unauthenticated, unavailable } from './errors.ts'

export const ALGORITHM = 'ES256'
/** As long as the server allows caches to keep its keys. */
const FRESH_MS = 300_000
/** From this age on, a request waits for the keys, so that one that was withdrawn is no longer accepted. */
const STALE_MS = 2 * FRESH_MS
/** Anyone can send tokens with an unknown key ID. */
const UNKNOWN_KEY_WAIT_MS = 10_000
const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 60_000
const TIMEOUT_MS = 5000

/** The part of `fetch` that is used. */
export type Fetch = {
  // A method, so that `fetch` with its wider parameters fits.
  fetch(
    url: string,
    init: {
      headers: Record<string, string>
      redirect: 'error'
      signal: AbortSignal
      method?: 'POST'
      body?: string
    },
  ): Promise<{ readonly status: number; json(): Promise<unknown> }>
}['fetch']

type Key = Awaited<ReturnType<typeof importJWK>>
type Keys = ReadonlyMap<string, Key>

export type KeySource = {
  /**
   * The public key with this ID.
   * @throws AuthError UNAUTHENTICATED if there is none; SERVICE_UNAVAILABLE if the keys are out of reach
   */
  find(kid: string | undefined): Promise<Key>
  /** Reloads the keys in the background when they are no longer fresh. Costs nothing before. */
  keepFresh(): void
}

type Options = {
  url: string
  fetch: Fetch
  /** A clock in milliseconds. */
  now: () => number
  /** Called when the keys have changed. */
  onChange: () => void
}

/**
 * The keys of a JWK Set (RFC 7517) at an address. Loads them when the first token arrives, every 5 minutes while there
 * are tokens, and for a token with an unknown key ID, at most every 10 seconds. While loading fails, the keys that were
 * loaded last stay in use, and attempts become rarer, from one a second to one a minute.
 */
export function createKeySource({ url, fetch, now, onChange }: Options): KeySource {
  let keys: Keys | undefined
  let loadedAt = Number.NEGATIVE_INFINITY
  let nextAttemptAt = Number.NEGATIVE_INFINITY
  let failures = 0
  let failure: unknown
  let loading: Promise<void> | undefined

  /** One attempt for all who need it. Never rejects. */
  function load(): Promise<void> {
    loading ??= fetchKeys(url, fetch)
      .then(succeed, fail)
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  function succeed(loaded: Keys): void {
    const changed = !sameIds(keys, loaded)
    keys = loaded
    loadedAt = now()
    failures = 0
    nextAttemptAt = loadedAt + UNKNOWN_KEY_WAIT_MS
    if (changed) onChange()
  }

  function fail(error: unknown): void {
    failure = error
    nextAttemptAt = now() + Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS)
    failures++
  }

  const mayLoad = () => loading !== undefined || now() >= nextAttemptAt

  function keepFresh(): void {
    if (now() - loadedAt > FRESH_MS && mayLoad()) void load()
  }

  async function find(kid: string | undefined): Promise<Key> {
    if (kid === undefined) throw unauthenticated('INVALID')
    keepFresh()
    // During an outage, only the first request waits.
    if (loading && failures === 0 && now() - loadedAt > STALE_MS) await loading
    const key = keys?.get(kid)
    if (key) return key
    if (mayLoad()) await load()
    const late = keys?.get(kid)
    if (late) return late
    if (failures > 0) throw unavailable(Math.max(1, Math.ceil((nextAttemptAt - now()) / 1000)), failure)
    throw unauthenticated('INVALID')
  }

  return { find, keepFresh }
}

/** @throws Error if the answer is no key set */
async function fetchKeys(url: string, fetch: Fetch): Promise<Keys> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}.`)
  const { keys } = ((await response.json()) ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error(`${url} is not a JWK Set.`)
  const usable = (keys as JWK[]).filter(isSigningKey)
  return new Map(
    await Promise.all(
      // Without `key_ops` and the like, which might contradict the purpose.
      usable.map(async ({ kid, kty, crv, x = '', y = '' }): Promise<[string, Key]> => {
        return [kid, await importJWK({ kty, crv, x, y }, ALGORITHM)]
      }),
    ),
  )
}

function isSigningKey(key: JWK): key is JWK & { kid: string; kty: 'EC'; crv: 'P-256' } {
  return (
    typeof key?.kid === 'string' &&
    key.kty === 'EC' &&
    key.crv === 'P-256' &&
    (key.alg ?? ALGORITHM) === ALGORITHM &&
    (key.use ?? 'sig') === 'sig'
  )
}

function sameIds(before: Keys | undefined, after: Keys): boolean {
  return before?.size === after.size && [...after.keys()].every(kid => before.has(kid))
}
