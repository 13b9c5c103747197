import type { Logger } from 'pino'
import type { AccessTokenClaims, App, BeforeSignUp, OnEvent } from './app.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { PasswordHasher } from './crypto/password-hash.ts'
import { sealingKey } from './crypto/seal.ts'
import { connect, withPatientPool } from './database/client.ts'
import { DatabaseClock } from './database/clock.ts'
import { migrate } from './database/migrate.ts'
import { MIGRATIONS } from './database/migrations.ts'
import { verifiedTokens } from './keys/access-token.ts'
import { openKeys } from './keys/load.ts'
import { createLog } from './log.ts'
import { createMailer } from './mail/mailer.ts'
import type { MailOptions } from './mail/options.ts'
import { Blocks } from './rate-limit/blocks.ts'
import { Refusals } from './rate-limit/refusals.ts'
import { DEFAULT_LIMITS, type RequestLimits } from './request-limits.ts'
import type { Tracing } from './tracing/tracing.ts'

export type AppOptions = {
  config: Config
  databaseUrl: string
  /** At least 32 characters. Seals the keys in the database. */
  secret: string
  /** The clock to use. Default: the database's. */
  clock?: Clock | undefined
  log?: Logger
  permissions: readonly string[]
  accessTokenClaims?: AccessTokenClaims | undefined
  mail?: MailOptions | undefined
  /** Default: those of request-limits.ts. */
  requestLimits?: RequestLimits | undefined
  onEvent?: OnEvent | undefined
  beforeSignUp?: BeforeSignUp | undefined
  /** Aborts the wait for migrations of other replicas. */
  aborted?: AbortSignal | undefined
}

/**
 * Connects to the database, migrates it and loads the keys. Does not listen for requests.
 * @throws Error when the database cannot be reached or migrated, or when its keys are sealed under another secret
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { config } = options
  const log = options.log ?? createLog(config)
  const database = {
    url: options.databaseUrl,
    pooler: config.database.pooler,
    onChange: (reason: string) => log.warn({ reason }, 'all database connections were closed'),
  }
  const { pool, countingPool, db, close } = connect(database, config.database, error =>
    log.warn({ err: error }, 'a database connection broke'),
  )
  try {
    const tracing = await startTracing(config, log)
    tracing?.statements(pool)
    tracing?.statements(countingPool)
    const migrated = await withPatientPool(database, patient =>
      migrate(patient, MIGRATIONS, {
        aborted: options.aborted,
        onBlocked: blocked =>
          log.warn(blocked, 'a migration waits for tables that other sessions have locked'),
      }),
    )
    const clock = options.clock ?? (await DatabaseClock.start(pool))
    const sealing = {
      current: sealingKey(options.secret),
      previous: config.previousSecrets.map(sealingKey),
    }
    const longestTtlSeconds = config.tokens.accessMaxTtlSeconds
    const hasher = new PasswordHasher(config.hashing, (err, message) => log.warn({ err }, message))
    const [mailer, loaded] = await Promise.all([
      createMailer(config, log, options.mail),
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
      hasher,
      tracing,
      discovered: new Map(),
      mailer,
      keys: { ...loaded, sealing, verified: verifiedTokens(), reloading: Promise.resolve() },
      permissions: options.permissions,
      accessTokenClaims: options.accessTokenClaims,
      requestLimits: options.requestLimits ?? DEFAULT_LIMITS,
      onEvent: options.onEvent,
      beforeSignUp: options.beforeSignUp,
      migrated,
      close: async () => {
        mailer?.close()
        await hasher.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function startTracing(config: Config, log: Logger): Promise<Tracing | undefined> {
  if (!config.tracing) return undefined
  // Loaded only if needed.
  const { createTracing } = await import('./tracing/tracing.ts')
  return createTracing(message => log.warn(message))
}
