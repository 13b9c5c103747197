import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { App } from '../app.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import {
  hasSigningKey,
  type KeySource,
  type KeyState,
  loadKeys,
  readKeyState,
  sameServerKey,
} from './load.ts'

/**
 * How often a replica checks for keys that another replica added, retired or revoked. Polling, unlike LISTEN/NOTIFY,
 * needs no dedicated connection and works through a pooler such as PgBouncer.
 */
const RELOAD_INTERVAL_SECONDS = 2
/** After an outage of the database, a revoked key is dropped within this time. */
const MAX_WAIT_SECONDS = 10

/**
 * Reloads the keys from the database. Calls run one after another, so that an older state never replaces a newer one.
 * @throws Error when a key cannot be opened; keys that were deleted from the database are dropped even then
 */
export function reloadKeys(app: App): Promise<void> {
  const turn = app.keys.reloading.then(() => reload(app))
  app.keys.reloading = turn.catch(() => {})
  return turn
}

async function reload(app: App): Promise<void> {
  const { config, clock, db, pool, keys } = app
  const source: KeySource = {
    db,
    pool,
    sealing: keys.sealing,
    now: clock.now(),
    longestTtlSeconds: config.tokens.accessMaxTtlSeconds,
  }
  const state = await readKeyState(source)
  if (isDeepStrictEqual(state, keys.state)) return
  const before = kidsOf(app)
  try {
    Object.assign(keys, await loadKeys(source, state, keys))
  } catch (error) {
    dropDeleted(app, state)
    throw error
  } finally {
    // Cached signatures of a dropped key are no longer valid.
    if (kidsOf(app) !== before) keys.verified.clear()
  }
}

function kidsOf({ keys }: App): string {
  return keys.signing.map(({ kid }) => kid).join()
}

/** Fails closed: a revoked key must not stay in use, even if its successor cannot be opened. */
function dropDeleted({ keys }: App, state: KeyState): void {
  keys.signing = keys.signing.filter(({ kid }) => hasSigningKey(state, kid))
  if (!sameServerKey(keys.state, state, 'refreshToken')) keys.refreshToken = undefined
  // A random key, so that no device is recognized until the new key can be opened.
  if (!sameServerKey(keys.state, state, 'device')) keys.device = randomBytes(32)
}

/**
 * Reloads the keys every 2 seconds until told to stop. While the database is away, the keys at hand stay; without it
 * no session can be looked up either.
 */
export function startKeyReload(app: App): StopBackgroundTask {
  return runEvery(
    app,
    RELOAD_INTERVAL_SECONDS,
    reloadKeys,
    'the keys could not be reloaded',
    MAX_WAIT_SECONDS,
  )
}
