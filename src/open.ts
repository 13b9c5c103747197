import path from 'node:path'
import type { Logger } from 'pino'
import type { AccessTokenClaims, App, BeforeSignUp, OnEvent } from './app.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createApp } from './create-app.ts'
import { readOrCreateSecret } from './crypto/secret-file.ts'
import { type EmbeddedDatabase, startEmbedded } from './database/embedded/start.ts'
import { createLog } from './log.ts'
import type { MailOptions } from './mail/options.ts'
import { declaredPermissions } from './permissions/permissions.ts'
import { type RequestLimits, requestLimits } from './request-limits.ts'

/** The name of the built-in database. */
export const DATABASE = 'authograph'

export type OpenOptions = {
  /** The clock to use. Default: the database's, so that replicas agree. */
  clock?: Clock
  log?: Logger
  /** Names of permissions that the embedding program adds. The role `admin` includes them. */
  permissions?: readonly string[]
  /**
   * Computes your own claims for each access token. It must not set claims that this server sets, such as `sub` and
   * `exp`. Other services can read the claims, so they must not contain secrets.
   */
  accessTokenClaims?: AccessTokenClaims
  /** Sends emails, and writes their texts, in place of the server. */
  mail?: MailOptions
  /** Raises the limits on documents and bodies, for larger operations of the embedding program. */
  requestLimits?: Partial<RequestLimits>
  /**
   * Called for each event of the audit log, after its transaction has committed, in order for each account. An event is
   * not lost when the process ends, and can arrive twice: its `id` is then the same.
   */
  onEvent?: OnEvent
  /** Decides, before anything is stored, whether a person can sign up. BEFORE_SIGN_UP_URL is asked too, if it is set. */
  beforeSignUp?: BeforeSignUp
  /**
   * Called when the built-in PostgreSQL has ended and could not be restarted. By default, the process logs the error
   * and exits with 1, so that its supervisor restarts it.
   */
  onDatabaseGone?: (error: Error) => void
  /** Aborts the start as soon as possible and stops what was already started. */
  aborted?: AbortSignal
}

/**
 * Builds the app from the configuration. Without DATABASE_URL, it uses the built-in PostgreSQL; without a secret, in
 * development, it stores one in the data folder.
 * @throws Error when the database cannot be started or reached, and when aborted
 */
export async function openApp(config: Config, options: OpenOptions = {}): Promise<App> {
  const permissions = declaredPermissions(options.permissions)
  const limits = requestLimits(options.requestLimits)
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
      mail: options.mail,
      requestLimits: limits,
      onEvent: options.onEvent,
      beforeSignUp: options.beforeSignUp,
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

/** The error codes of a folder that belongs to another user, is read-only, or is not a folder. */
const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'])

async function inDataFolder<Result>({ dataDir }: Config, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task()
  } catch (error) {
    const { code, path: file, message } = error as NodeJS.ErrnoException
    if (!UNWRITABLE.has(code ?? '') || !file?.startsWith(dataDir)) throw error
    throw new Error(
      `The data folder cannot be written to (${message}). Make ${dataDir} writable for the user that runs Authograph, or set DATA_DIR.`,
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
    settings: { max_connections: String(connectionsNeeded(config)) },
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

/** PostgreSQL's own default. */
const CONNECTIONS_MIN = 100
/** Of each process besides its pool: those that count attempts, its presence, and those of a migration. */
const FURTHER_CONNECTIONS = 6
/** For commands, psql and PostgreSQL's own reserve. */
const SPARE_CONNECTIONS = 15

function connectionsNeeded({ workers, database }: Config): number {
  // A restart has one worker more for a while.
  const processes = workers === 1 ? 1 : workers + 1
  const needed = processes * (database.poolSize + FURTHER_CONNECTIONS) + SPARE_CONNECTIONS
  return Math.max(needed, CONNECTIONS_MIN)
}

function exitBecause(log: Logger): (error: Error) => void {
  return error => {
    log.fatal({ err: error }, 'the built-in PostgreSQL ended and could not be restarted')
    process.exit(1)
  }
}
