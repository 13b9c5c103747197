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
 * How often a replica looks for keys that were added, retired or revoked elsewhere. A poll rather than LISTEN/NOTIFY:
 * it needs no connection of its own, no reconnecting, and works through a pooler such as PgBouncer.
 */
const RELOAD_INTERVAL_SECONDS = 2
/** A revoked key is gone this soon after the database is back. */
const MAX_WAIT_SECONDS = 10

/**
 * Takes over the keys as they are in the database. Calls take turns, so that an older answer never replaces a newer.
 * @throws Error when a key cannot be opened; keys that are gone from the database are dropped even then
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
    dropGone(app, state)
    throw error
  } finally {
    // The signatures of a key that is gone count for nothing.
    if (kidsOf(app) !== before) keys.verified.clear()
  }
}

function kidsOf({ keys }: App): string {
  return keys.signing.map(({ kid }) => kid).join()
}

/** Fails closed: without its successor, a key that was revoked must not go on. */
function dropGone({ keys }: App, state: KeyState): void {
  keys.signing = keys.signing.filter(({ kid }) => hasSigningKey(state, kid))
  if (!sameServerKey(keys.state, state, 'refreshToken')) keys.refreshToken = undefined
  // Devices are unknown meanwhile.
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
