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

/** A sign-up that is about to create an account, or to store a registration until its address is verified. */
export type SignUpAttempt = {
  email: string
  username: string | null
  displayName: string | null
  /** A language tag (BCP 47). */
  locale: string
  method: 'PASSWORD' | 'PASSKEY' | 'EMAIL' | 'PROVIDER' | 'INVITATION'
  /** The ID in PROVIDERS, for the method PROVIDER. */
  provider: string | null
  /** Whether the mailbox, or a provider that answers for it, has proved the address. */
  emailVerified: boolean
  ipAddress: string | null
  userAgent: string | null
}

/** Allows or refuses a sign-up. `message` tells the person why. */
export type SignUpDecision = { allow: boolean; message?: string | undefined }

/**
 * Is called before a sign-up stores anything. If it throws, or doesn't return within 3 seconds, the sign-up is refused
 * with SERVICE_UNAVAILABLE.
 */
export type BeforeSignUp = (attempt: SignUpAttempt) => SignUpDecision | Promise<SignUpDecision>

/** An event of the audit log, as webhooks and `onEvent` receive it: IDs, and no personal data. */
export type ServerEvent = {
  /** The same for every attempt. */
  id: string
  /** The action of the audit log, such as user.registered. */
  type: string
  timestamp: Date
  data: {
    /** The event's ID in the audit log. */
    readonly eventId: string
    /** The account that caused the event; null for the system or an unknown caller. */
    readonly actorId: string | null
    /** The account that the event concerns. */
    readonly subjectId: string | null
    /** Further IDs of the event, such as `sessionId`. */
    readonly [id: string]: string | null
  }
}

/**
 * Is called for each event of the audit log. Of several replicas, one calls it. If it throws, or doesn't return within 10
 * seconds, it is called again later with the same `id`.
 */
export type OnEvent = (event: ServerEvent) => unknown

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
  onEvent: OnEvent | undefined
  beforeSignUp: BeforeSignUp | undefined
  /** The names of the migrations that were applied at startup, in order. */
  migrated: readonly string[]
  close(): Promise<void>
}
