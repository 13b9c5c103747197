import type { App } from './app.ts'
import { addSeconds } from './clock.ts'
import { type Account, type Context, createContext, type RequestInfo, type Viewer } from './context.ts'
import { unauthenticated } from './errors.ts'
import type { Session } from './generated/prisma/client.ts'

export type TestContextOptions = {
  /** The parts of the app that the resolver uses, such as `{ db }`. Access to any other part throws. */
  app?: Partial<App>
  /** The signed-in viewer; missing fields have defaults. Omit it for an unauthenticated request. */
  viewer?: { account?: Partial<Account>; session?: Partial<Session> }
  request?: Partial<RequestInfo>
}

/** Creates a context for testing your resolvers without HTTP, tokens or a database. */
export function testContext({ app = {}, viewer, request = {} }: TestContextOptions = {}): Context {
  const requestInfo = {
    requestId: 'test',
    ipAddress: undefined,
    userAgent: undefined,
    bearerToken: viewer && 'test',
    refreshCookie: undefined,
    deviceCookie: undefined,
    flowCookie: undefined,
    ...request,
  }
  const response = {
    setRefreshCookie() {},
    clearRefreshCookie() {},
    setDeviceCookie() {},
    setFlowCookie() {},
  }
  return createContext(strict(app), requestInfo, response, async () => {
    if (!viewer) throw unauthenticated('INVALID')
    return testViewer(viewer)
  })
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

function testViewer({ account, session }: NonNullable<TestContextOptions['viewer']>): Viewer {
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
    via: { kind: 'session', session: shownSession, accessToken: { generation, acr: undefined } },
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
    ...session,
  }
}
