import type { LRUCache } from 'lru-cache'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Discovered } from './credentials/provider/discovery.ts'
import type { PasswordHasher } from './crypto/password-hash.ts'
import type { SealingKeys } from './crypto/seal.ts'
import type { Database } from './database/client.ts'
import type { User } from './generated/prisma/client.ts'
import type { TokenClaims } from './keys/access-token.ts'
import type { LoadedKeys } from './keys/load.ts'
import type { Mailer } from './mail/mailer.ts'
import type { Blocks } from './rate-limit/blocks.ts'
import type { Refusals } from './rate-limit/refusals.ts'
import type { RequestLimits } from './request-limits.ts'
import type { Tracing } from './tracing/tracing.ts'

/** An account as the API shows it to administrators. */
export type ShownAccount = Pick<
  User,
  'id' | 'email' | 'username' | 'displayName' | 'locale' | 'publicMetadata' | 'privateMetadata' | 'createdAt'
> & {
  readonly emailVerified: boolean
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
}

/** Computes further claims for each access token of an account. The embedding program provides it. */
export type AccessTokenClaims = (
  account: ShownAccount,
) => Record<string, unknown> | Promise<Record<string, unknown>>

/** What every part of the program receives. Dependencies, including the clock, are arguments. */
export type App = {
  config: Config
  /** The database's time, which all replicas share. */
  clock: Clock
  log: Logger
  pool: pg.Pool
  db: Database
  /** Whether the built-in PostgreSQL is running; always true with an external database. */
  databaseIsUp: () => boolean
  limiter: {
    /** The connections that are reserved for counting attempts. */
    pool: pg.Pool
    /** The blocks that this process has seen. */
    blocks: Blocks
    /** The counts in progress, by the first subject that each counts on. */
    underWay: Map<string, Promise<unknown>>
    refusals: Refusals
  }
  hasher: PasswordHasher
  /** Undefined unless TRACING is on: then nothing of it runs. */
  tracing: Tracing | undefined
  /** What this process knows about the providers in the settings, by ID and client. */
  discovered: Map<string, Discovered>
  /** Undefined if this server sends no email. */
  mailer: Mailer | undefined
  keys: LoadedKeys & {
    sealing: SealingKeys
    verified: LRUCache<string, TokenClaims>
    /** The reload in progress; never rejects. */
    reloading: Promise<void>
  }
  /** All permissions: the built-in ones and those of the embedding program. */
  permissions: readonly string[]
  accessTokenClaims: AccessTokenClaims | undefined
  requestLimits: RequestLimits
  /** The names of the migrations that were applied at startup, in order. */
  migrated: readonly string[]
  close(): Promise<void>
}
