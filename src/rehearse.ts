import type { App } from './app.ts'
import { systemClock } from './clock.ts'
import { loadConfig } from './config.ts'
import { PasswordHasher } from './crypto/password-hash.ts'
import { connect } from './database/client.ts'
import { builtInSchema } from './graphql/schema.ts'
import { EventStreams } from './http/open-streams.ts'
import { createHttpServer } from './http/server.ts'
import { verifiedTokens } from './keys/access-token.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { declaredPermissions } from './permissions/permissions.ts'
import { Blocks } from './rate-limit/blocks.ts'
import { Refusals } from './rate-limit/refusals.ts'
import { DEFAULT_LIMITS } from './request-limits.ts'
import './serve-alone.ts'

/** Never connected to: the pools wait for the first statement. */
const DATABASE_URL = 'postgresql://127.0.0.1/none'
const SETTINGS = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://auth.example.com',
  MAIL: 'off',
  AUTHOGRAPH_SECRET: 'this secret seals nothing, nowhere',
  DATABASE_URL,
}

/**
 * Does what a start does without the database. The build runs it to keep the code that V8 compiles for it: see
 * scripts/bundle/keep-code.mjs.
 */
export async function rehearse(): Promise<void> {
  const config = loadConfig(SETTINGS)
  const { pool, countingPool, db, close } = connect(
    { url: DATABASE_URL, pooler: config.database.pooler },
    config.database,
    () => {},
  )
  const log = createLog(config)
  const hasher = new PasswordHasher(config.hashing, () => {})
  const app: App = {
    config,
    clock: systemClock,
    log,
    pool,
    db,
    databaseIsUp: () => true,
    limiter: { pool: countingPool, blocks: new Blocks(), underWay: new Map(), refusals: new Refusals() },
    hasher,
    tracing: undefined,
    discovered: new Map(),
    mailer: undefined,
    // No request needs them.
    keys: { verified: verifiedTokens(), reloading: Promise.resolve() } as App['keys'],
    permissions: declaredPermissions(),
    accessTokenClaims: undefined,
    requestLimits: DEFAULT_LIMITS,
    onEvent: undefined,
    beforeSignUp: undefined,
    migrated: [],
    close,
  }
  const http = await createHttpServer(app, builtInSchema(), {
    metrics: createMetrics(app),
    streams: new EventStreams(),
    embedded: false,
  })
  await http.ready()
  await http.inject('/healthz')
  await http.close()
  await hasher.close()
  await close()
}
