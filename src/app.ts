import type { LRUCache } from 'lru-cache'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { PasswordHasher } from './crypto/password-hash.ts'
import type { SealingKeys } from './crypto/seal.ts'
import type { Database } from './database/client.ts'
import type { User } from './generated/prisma/client.ts'
import type { AccessClaims } from './keys/access-token.ts'
import type { LoadedKeys } from './keys/load.ts'
import type { Mailer } from './mail/mailer.ts'
import type { Blocks } from './rate-limit/blocks.ts'
import type { Refusals } from './rate-limit/refusals.ts'

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
