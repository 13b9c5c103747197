import type { App } from '../app.ts'
import { type Chore, every } from '../chore.ts'
import { loadSigningKeys, RELOAD_INTERVAL_SECONDS } from './signing-keys.ts'

/** Takes over the keys that other replicas have made or retired. */
export async function reloadSigningKeys(app: App): Promise<void> {
  const { config, clock, db, keys } = app
  const kids = keys.signing.map(key => key.kid).join()
  keys.signing = await loadSigningKeys(
    db,
    keys.sealing,
    clock.now(),
    config.tokens.accessMaxTtlSeconds,
    keys.signing,
  )
  // Tokens of a key that is gone must be looked at again.
  if (keys.signing.map(key => key.kid).join() !== kids) keys.verified.clear()
}

/**
 * Does so again and again until told to stop. Where it fails (the database is away, another replica runs
 * under a newer secret) the keys at hand go on.
 */
export function keepSigningKeysFresh(app: App): Chore {
  return every(app, RELOAD_INTERVAL_SECONDS, reloadSigningKeys, 'the signing keys could not be reloaded')
}
