import type { LRUCache } from 'lru-cache'
import type pg from 'pg'
import pino, { type Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { PasswordHasher } from './crypto/password-hash.ts'
import { type SealingKeys, sealingKey } from './crypto/seal.ts'
import { connect, type Database, withPatience } from './database/client.ts'
import { DatabaseClock } from './database/clock.ts'
import { migrate } from './database/migrate.ts'
import { MIGRATIONS } from './database/migrations.ts'
import type { User } from './generated/prisma/client.ts'
import { type AccessClaims, verifiedTokens } from './keys/access-token.ts'
import { type LoadedKeys, openKeys } from './keys/load.ts'
import { createMailer, type Mailer } from './mail/mailer.ts'
import { Blocks } from './rate-limit/blocks.ts'
import { Refusals } from './rate-limit/refusals.ts'

/** What the API shows of an account to its administrators. */
export type ShownAccount = Pick<
  User,
  'id' | 'email' | 'username' | 'displayName' | 'locale' | 'publicMetadata' | 'privateMetadata' | 'createdAt'
> & {
  readonly emailVerified: boolean
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
}

/** Claims of the embedding program's own for an account's access tokens, made with every one that is issued. */
export type AccessTokenClaims = (
  account: ShownAccount,
) => Record<string, unknown> | Promise<Record<string, unknown>>

/** What every part of the program is given. Dependencies are arguments, the clock too. */
export type App = {
  config: Config
  /** The database's time, by which all replicas compare. */
  clock: Clock
  log: Logger
  pool: pg.Pool
  db: Database
  /** Whether the built-in PostgreSQL is there; always true of a database that is not ours to run. */
  databaseIsUp: () => boolean
  limiter: {
    /** Connections that only count attempts. */
    pool: pg.Pool
    /** The blocks that this process knows of. */
    blocks: Blocks
    /** Counts that have no answer yet, by the first subject that they count on. */
    underWay: Map<string, Promise<unknown>>
    refusals: Refusals
  }
  hasher: PasswordHasher
  /** Absent where this server sends no mail. */
  mailer: Mailer | undefined
  keys: LoadedKeys & {
    sealing: SealingKeys
    verified: LRUCache<string, AccessClaims>
    /** The reload under way; never rejects. */
    reloading: Promise<void>
  }
  /** Every permission there is: the built-in ones and those of the embedding program. */
  permissions: readonly string[]
  accessTokenClaims: AccessTokenClaims | undefined
  /** The names of the migrations that this start applied, in order. */
  migrated: readonly string[]
  close(): Promise<void>
}

export type AppOptions = {
  config: Config
  databaseUrl: string
  /** At least 32 characters; seals the keys in the database. */
  secret: string
  /** The time to go by; otherwise the database's. */
  clock?: Clock | undefined
  log?: Logger
  permissions: readonly string[]
  accessTokenClaims?: AccessTokenClaims | undefined
  /** Ends the wait for the migrations of other replicas. */
  aborted?: AbortSignal | undefined
}

/**
 * Connects to the database, brings it up to date and loads the keys; listens to nothing.
 * @throws Error when the database cannot be reached or migrated, or was sealed under another secret.
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { config } = options
  const log = options.log ?? createLog(config)
  const { pool, countingPool, db, close } = connect(options.databaseUrl, config.database.poolSize, error =>
    log.warn({ err: error }, 'a database connection broke'),
  )
  try {
    const migrated = await withPatience(options.databaseUrl, patient =>
      migrate(patient, MIGRATIONS, {
        aborted: options.aborted,
        onBlocked: blocked => log.warn(blocked, 'a migration waits for tables that other sessions hold'),
      }),
    )
    const clock = options.clock ?? (await DatabaseClock.start(pool))
    const sealing = {
      current: sealingKey(options.secret),
      previous: config.previousSecrets.map(sealingKey),
    }
    const longestTtlSeconds = config.tokens.accessMaxTtlSeconds
    const [mailer, loaded] = await Promise.all([
      createMailer(config, log),
      openKeys({ db, pool, sealing, now: clock.now(), longestTtlSeconds }),
    ])
    return {
      config,
      clock,
      log,
      pool,
      db,
      databaseIsUp: () => true,
      limiter: { pool: countingPool, blocks: new Blocks(), underWay: new Map(), refusals: new Refusals() },
      hasher: new PasswordHasher(config.hashing),
      mailer,
      keys: { ...loaded, sealing, verified: verifiedTokens(), reloading: Promise.resolve() },
      permissions: options.permissions,
      accessTokenClaims: options.accessTokenClaims,
      migrated,
      close: async () => {
        mailer?.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** JSON lines on standard output, or standard error (2); what could carry a secret is never written. */
export function createLog(config: Config, descriptor: 1 | 2 = 1): Logger {
  const options = {
    level: config.logLevel,
    redact: {
      paths: [
        '*.password',
        '*.token',
        '*.refreshToken',
        '*.accessToken',
        // PostgreSQL may quote a whole row there.
        'err.detail',
        'err.cause.detail',
        'headers.authorization',
        'headers.cookie',
      ],
      censor: '[redacted]',
    },
  }
  return pino(options, pino.destination(descriptor))
}
