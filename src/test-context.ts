import { execute, type GraphQLFormattedError, type GraphQLSchema } from 'graphql'
import type { App } from './app.ts'
import { addSeconds, type Clock, systemClock } from './clock.ts'
import {
  type Account,
  type ApiKeyVia,
  type Context,
  createContext,
  type RequestInfo,
  type Viewer,
} from './context.ts'
import { unauthenticated } from './errors.ts'
import type { ApiKey, Session } from './generated/prisma/client.ts'
import { readDocument, toClient } from './graphql/document.ts'
import { type RequestLimits, requestLimits } from './request-limits.ts'

export type TestContextOptions = {
  /** The parts of the app that the resolver uses, such as `{ db }`. Access to any other part throws. */
  app?: Partial<App>
  /**
   * The viewer; missing fields have defaults. With `apiKey`, an API key of the account makes the request, otherwise a
   * session. Omit it for an unauthenticated request.
   */
  viewer?: { account?: Partial<Account>; session?: Partial<Session>; apiKey?: Partial<ApiKey> }
  request?: Partial<RequestInfo>
}

/**
 * Creates a context for testing your resolvers without HTTP, tokens or a database. Call a resolver with it, or execute an
 * operation with `testExecute`, which runs the guards too.
 */
export function testContext({ app = {}, viewer, request = {} }: TestContextOptions = {}): Context {
  const requestInfo = {
    requestId: 'test',
    ipAddress: undefined,
    userAgent: undefined,
    bearerToken: viewer && 'test',
    refreshCookie: undefined,
    deviceCookie: undefined,
    ...request,
  }
  const response = {
    setRefreshCookie() {},
    clearRefreshCookie() {},
    setDeviceCookie() {},
    setFlowCookie() {},
  }
  const context = createContext(strict(app), requestInfo, response, async () => {
    if (!viewer) throw unauthenticated('INVALID')
    return testViewer(viewer)
  })
  return { ...context, guardApp: guardApp(app.clock ?? systemClock) }
}

export type TestExecuteOptions = {
  /** The context of the resolvers. Default: that of an unauthenticated request. */
  context?: Context | undefined
  variables?: Record<string, unknown>
  /** As `startServer` receives them. */
  requestLimits?: Partial<RequestLimits>
}

export type TestReply = {
  data: Record<string, unknown> | null | undefined
  /** As clients receive them, with the code in `extensions.code`. Empty if the operation succeeds. */
  errors: GraphQLFormattedError[]
}

/**
 * Executes a query or a mutation as the server does: it must be valid and within the limits, guards refuse what they
 * would refuse there, and errors are those that clients receive. Denials are not recorded anywhere.
 */
export async function testExecute(
  schema: GraphQLSchema,
  document: string,
  { context = testContext(), variables, requestLimits: raised }: TestExecuteOptions = {},
): Promise<TestReply> {
  const { document: read, errors: invalid } = readDocument(schema, document, requestLimits(raised))
  if (!read) return { data: undefined, errors: toClient(invalid) }
  const { data, errors } = await execute({
    schema,
    document: read,
    contextValue: context,
    variableValues: variables,
  })
  return { data, errors: toClient(errors) }
}

/** What guards use: the time, an audit log that keeps nothing, and accounts that have no factor besides their password. */
function guardApp(clock: Clock): App {
  const config = { providers: [], passkeys: { enabled: true, rpId: 'localhost' } }
  const db = { auditEvent: { createMany: async () => ({ count: 1 }) } }
  const pool = { query: async () => ({ rows: [] }) }
  return { clock, config, db, pool, mailer: undefined } as unknown as App
}

function strict(app: Partial<App>): App {
  return new Proxy(app as App, {
    get(target, name) {
      if (!(name in target))
        throw new Error(`The test context has no app.${String(name)}. Pass it in the app option.`)
      return target[name as keyof App]
    },
  })
}

function testViewer({ account, session, apiKey }: NonNullable<TestContextOptions['viewer']>): Viewer {
  const now = new Date()
  const id = account?.id ?? '00000000-0000-7000-8000-000000000001'
  const shownSession = testSession(id, now, session)
  const { generation } = shownSession
  return {
    account: {
      id,
      email: 'viewer@example.com',
      emailCanonical: 'viewer@example.com',
      emailVerifiedAt: null,
      username: null,
      displayName: null,
      locale: 'en',
      passwordHash: null,
      passwordChangedAt: null,
      lastLoginAt: now,
      disabledAt: null,
      credentialVersion: 0,
      secondFactorRequired: false,
      enrollmentRequired: false,
      disabledReason: null,
      invitedAt: null,
      createdAt: now,
      updatedAt: now,
      roles: ['user'],
      permissions: [],
      secondFactorRequiredFrom: null,
      ...account,
      publicMetadata: account?.publicMetadata ?? {},
      privateMetadata: account?.privateMetadata ?? {},
    },
    via: apiKey
      ? { kind: 'apiKey', apiKey: testApiKey(id, now, account?.permissions ?? [], apiKey) }
      : { kind: 'session', session: shownSession, accessToken: { generation, acr: undefined } },
  }
}

function testApiKey(
  userId: string,
  now: Date,
  permissions: readonly string[],
  apiKey: Partial<ApiKey>,
): ApiKeyVia['apiKey'] {
  const { keyHash, ...given } = apiKey
  return {
    id: '00000000-0000-4000-8000-000000000003',
    userId,
    name: 'Test',
    permissions: [...permissions],
    multiFactor: false,
    createdAt: now,
    expiresAt: null,
    lastUsedAt: null,
    ...given,
  }
}

function testSession(userId: string, now: Date, session: Partial<Session> | undefined): Session {
  return {
    id: '00000000-0000-7000-8000-000000000002',
    userId,
    generation: 0,
    salt: new Uint8Array(16),
    createdAt: now,
    lastUsedAt: now,
    authenticatedAt: now,
    passwordAt: now,
    emailAt: null,
    passkeyAt: null,
    keyAt: null,
    totpAt: null,
    recoveryAt: null,
    providerAt: null,
    proofGeneration: 0,
    rotatedAt: null,
    generationSeenAt: null,
    burnedFrom: null,
    burnedTo: null,
    expiresAt: addSeconds(now, 3600),
    absoluteExpiresAt: addSeconds(now, 3600),
    idleTtlSeconds: 3600,
    remembered: true,
    revokedAt: null,
    ipAddress: null,
    userAgent: null,
    deviceName: null,
    actorSessionId: null,
    keyThumbprint: null,
    ...session,
  }
}
