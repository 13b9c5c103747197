import path from 'node:path'
import type { Logger } from 'pino'
import type { AccessTokenClaims, App } from './app.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createApp } from './create-app.ts'
import { readOrCreateSecret } from './crypto/secret-file.ts'
import { type EmbeddedDatabase, startEmbedded } from './database/embedded/start.ts'
import { createLog } from './log.ts'
import { declaredPermissions } from './permissions/permissions.ts'

/** The name of the built-in database. */
export const DATABASE = 'authograph'

export type OpenOptions = {
  /** The time to go by; otherwise the database's, so that replicas agree. */
  clock?: Clock
  log?: Logger
  /** Names of permissions that the embedding program adds; the role `admin` holds them too. */
  permissions?: readonly string[]
  /**
   * Claims of your own for access tokens, made with every one that is issued; those that this server makes, such as
   * `sub` and `exp`, are refused. Other services read them, so no secrets.
   */
  accessTokenClaims?: AccessTokenClaims
  /**
   * Called when the built-in PostgreSQL has ended and could not be started again. Unless you give one, the process
   * logs the error and exits with 1, so that whatever supervises it starts it anew.
   */
  onDatabaseGone?: (error: Error) => void
  /** Ends the start as soon as possible; what was started is stopped. */
  aborted?: AbortSignal
}

/**
 * The app that the configuration describes, with what it does not name brought along: the built-in
 * PostgreSQL, and in development a secret kept in the data folder.
 * @throws Error when the database cannot be started or reached, and when aborted
 */
export async function openApp(config: Config, options: OpenOptions = {}): Promise<App> {
  const permissions = declaredPermissions(options.permissions)
  const log = options.log ?? createLog(config)
  const { secret, database } = await inDataFolder(config, async () => ({
    secret: config.secret ?? readOrCreateSecret(path.join(config.dataDir, 'secret')),
    database: await openDatabase(config, log, options),
  }))
  try {
    options.aborted?.throwIfAborted()
    const app = await createApp({
      config,
      databaseUrl: database.url,
      secret,
      clock: options.clock,
      log,
      permissions,
      accessTokenClaims: options.accessTokenClaims,
      aborted: options.aborted,
    })
    return {
      ...app,
      databaseIsUp: database.isUp,
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

type OpenedDatabase = Pick<EmbeddedDatabase, 'isUp' | 'stop'> & { url: string }

/** What the system says of a folder that is not this user's, is on a read-only disk, or is no folder. */
const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'])

async function inDataFolder<Result>({ dataDir }: Config, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task()
  } catch (error) {
    const { code, path: file, message } = error as NodeJS.ErrnoException
    if (!UNWRITABLE.has(code ?? '') || !file?.startsWith(dataDir)) throw error
    throw new Error(
      `The data folder cannot be written to (${message}). Give ${dataDir} to the user that runs this, or set DATA_DIR.`,
      { cause: error },
    )
  }
}

async function openDatabase(
  config: Config,
  log: Logger,
  { aborted, onDatabaseGone }: OpenOptions,
): Promise<OpenedDatabase> {
  if (config.database.url) return { url: config.database.url, isUp: () => true, stop: async () => {} }
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    log: message => log.info(message),
    onGone: onDatabaseGone ?? exitBecause(log),
    aborted,
  })
  try {
    const url = await embedded.ensureDatabase(DATABASE)
    return { url, isUp: () => embedded.isUp(), stop: () => embedded.stop() }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}

function exitBecause(log: Logger): (error: Error) => void {
  return error => {
    log.fatal({ err: error }, 'the built-in PostgreSQL is gone and does not start again')
    process.exit(1)
  }
}
