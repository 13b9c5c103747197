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

export type Key = Awaited<ReturnType<typeof importJWK>>
type Keys = ReadonlyMap<string, Key>

export type KeySource = {
  /**
   * The public key with this ID.
   * @throws AuthError UNAUTHENTICATED if there is none; SERVICE_UNAVAILABLE if the keys are out of reach
   */
  find(kid: string | undefined): Promise<Key>
  /** Whether the keys are fresh. Reloads them in the background when they are not, and costs nothing before. */
  keepFresh(): boolean
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
  let keys: Keys = new Map()
  let published = ''
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

  function succeed(loaded: { keys: Keys; text: string }): void {
    loadedAt = now()
    failures = 0
    nextAttemptAt = loadedAt + UNKNOWN_KEY_WAIT_MS
    if (loaded.text === published) return
    ;({ keys, text: published } = loaded)
    onChange()
  }

  function fail(error: unknown): void {
    failure = error
    nextAttemptAt = now() + Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS)
    failures++
  }

  const mayLoad = () => loading !== undefined || now() >= nextAttemptAt

  function keepFresh(): boolean {
    const isFresh = now() - loadedAt <= FRESH_MS
    if (!isFresh && mayLoad()) void load()
    return isFresh
  }

  async function find(kid: string | undefined): Promise<Key> {
    if (kid === undefined) throw unauthenticated('INVALID')
    keepFresh()
    // During an outage, only the first request waits.
    if (loading && failures === 0 && now() - loadedAt > STALE_MS) await loading
    const key = keys.get(kid)
    if (key) return key
    if (mayLoad()) await load()
    const late = keys.get(kid)
    if (late) return late
    if (failures > 0) throw unavailable(Math.max(1, Math.ceil((nextAttemptAt - now()) / 1000)), failure)
    throw unauthenticated('INVALID')
  }

  return { find, keepFresh }
}

/** @throws Error if the answer is no key set */
async function fetchKeys(url: string, fetch: Fetch): Promise<{ keys: Keys; text: string }> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}.`)
  const { keys } = ((await response.json()) ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error(`${url} is not a JWK Set.`)
  // Without `key_ops` and the like, which might contradict the purpose.
  const usable = (keys as JWK[])
    .filter(isSigningKey)
    .map(({ kid, kty, crv, x, y }) => ({ kid, kty, crv, x, y }))
  const imported = usable.map(async ({ kid, ...jwk }): Promise<[string, Key]> => {
    return [kid, await importJWK(jwk, ALGORITHM)]
  })
  return { keys: new Map(await Promise.all(imported)), text: JSON.stringify(usable) }
}

type SigningKey = { kid: string; kty: 'EC'; crv: 'P-256'; x: string; y: string }

function isSigningKey(key: JWK): key is SigningKey {
  return (
    typeof key?.kid === 'string' &&
    key.kty === 'EC' &&
    key.crv === 'P-256' &&
    typeof key.x === 'string' &&
    typeof key.y === 'string' &&
    (key.alg ?? ALGORITHM) === ALGORITHM &&
    (key.use ?? 'sig') === 'sig'
  )
}
