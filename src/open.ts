import path from 'node:path'
import type { Logger } from 'pino'
import { type AccessTokenClaims, type App, createApp, createLog } from './app.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { keptSecret } from './crypto/secret-file.ts'
import { startEmbedded } from './database/embedded/start.ts'
import { permissions } from './permissions/permissions.ts'

/** The name of the built-in database. */
export const DATABASE = 'authograph'

export type OpenOptions = {
  clock?: Clock
  log?: Logger
  /** Names of permissions that the embedding program adds; the role `admin` holds them too. */
  permissions?: readonly string[]
  /**
   * Claims of your own for access tokens, made with every one that is issued; those that this server makes, such as
   * `sub` and `exp`, are refused. Other services read them, so no secrets.
   */
  accessTokenClaims?: AccessTokenClaims
  /** Ends the start as soon as possible; what was started is stopped. */
  aborted?: AbortSignal
}

/**
 * The app that the configuration describes, with what it does not name brought along: the built-in
 * PostgreSQL, and in development a secret kept in the data folder.
 * @throws Error when the database cannot be started or reached, and when aborted
 */
export async function openApp(config: Config, options: OpenOptions = {}): Promise<App> {
  const log = options.log ?? createLog(config)
  const secret = config.secret ?? keptSecret(path.join(config.dataDir, 'secret'))
  const database = await openDatabase(config, log, options.aborted)
  try {
    options.aborted?.throwIfAborted()
    const app = await createApp({
      config,
      databaseUrl: database.url,
      secret,
      clock: options.clock ?? systemClock,
      log,
      permissions: [...Object.keys(permissions), ...(options.permissions ?? [])],
      accessTokenClaims: options.accessTokenClaims,
      aborted: options.aborted,
    })
    return {
      ...app,
      close: async () => {
        await app.close()
        await database.stop()
      },
    }
  } catch (error) {
    await database.stop()
    throw error
  }
}

async function openDatabase(
  config: Config,
  log: Logger,
  aborted: AbortSignal | undefined,
): Promise<{ url: string; stop(): Promise<void> }> {
  if (config.database.url) return { url: config.database.url, stop: async () => {} }
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    log: message => log.info(message),
    aborted,
  })
  try {
    return { url: await embedded.ensureDatabase(DATABASE), stop: () => embedded.stop() }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}
