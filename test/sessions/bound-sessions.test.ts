import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import { type GraphQLOutputType, getNamedType, isObjectType, isUnionType } from 'graphql'
import { accessTokenHash } from '../../src/dpop/proof.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { login, newAddress, PASSWORD, type SignedIn, signUpVerified } from '../support/actors.ts'
import type { SoftAuthenticator } from '../support/authenticator.ts'
import {
  type Bound,
  BoundLogin,
  freshProof,
  newKey,
  nonceOf,
  proofOf,
  refreshBound,
  refusal,
  signInBound,
} from '../support/bound-client.ts'
import { StillClock } from '../support/clock.ts'
import { emailedLogin, loginWithEmail } from '../support/email-login.ts'
import { haveTotp, secondStep } from '../support/factors.ts'
import { type FakeClaims, type FakeProvider, startFakeProvider } from '../support/fake-provider.ts'
import { forge } from '../support/forge.ts'
import {
  BeginPasskeyRegistration,
  CompleteProviderSignUp,
  CreateProviderNonce,
  Refresh,
  Register,
  RegisterWithPasskey,
  SignInWithIdToken,
} from '../support/operations.ts'
import { answerLogin, beginLogin, begun, havePasskey, newAuthenticator } from '../support/passkeys.ts'
import { codeFor, complete, providersOf, someone } from '../support/provider-sign-in.ts'
import { sampleCall } from '../support/sample-call.ts'
import { codes, type Reply, type Sending, type Service, startService } from '../support/service.ts'
import { newServiceAccount, tokenOf } from '../support/service-accounts.ts'
import { countEvents, DAY, HOUR, pairOf, refreshed, stateOf } from '../support/sessions.ts'

const INVALID = 'REFRESH_TOKEN_INVALID DPOP_INVALID'
const AGAIN = 'REFRESH_TOKEN_INVALID DPOP_NONCE'
const settings = { LIMIT_REFRESH_NETWORK: '9999999/1h' }

let fake: FakeProvider
let service: Service
/** Of the same service, and stricter. */
let replica: Service
let ada: SignedIn
let bound: Bound
beforeAll(async () => {
  const clock = new StillClock()
  fake = await startFakeProvider({ clock })
  service = await startService({ settings: { ...settings, ...providersOf(fake), EMAIL_LOGIN: 'on' }, clock })
  replica = await startService({
    settings: { ...settings, REQUIRE_BOUND_SESSIONS: 'on' },
    databaseUrl: service.app.config.database.url ?? '',
    clock: service.clock,
  })
  ada = await signUpVerified(service)
  bound = await signInBound(service, ada.email)
})
afterAll(async () => {
  expect([...service.logged, ...replica.logged]).toEqual([])
  await replica.close()
  await service.close()
  await fake.stop()
})

/** Refreshes with the key, which must succeed, and keeps the new tokens. */
async function goOn(session: Bound, at = service): Promise<void> {
  const reply = await refreshBound(at, session.refreshToken, session.key)
  expect(refusal(reply)).toBeUndefined()
  Object.assign(session, pairOf(reply))
}

const notices = () => service.app.db.mail.count({ where: { template: 'copy-refused', recipient: ada.email } })
const copies = ({ sessionId }: Bound) => countEvents(service, sessionId, 'session.copy_refused')

describe('a session that starts with the proof of a key', () => {
  test('says so, and is refreshed with proofs of the key', async () => {
    expect(bound.session.boundToKey).toBe(true)
    expect(bound.tokenType).toBe('Bearer')
    await goOn(bound)
    await goOn(bound)
    expect(await stateOf(service, bound.accessToken)).toBe('LIVE')
  })

  test('differs from others in the list of sessions', async () => {
    const { data } = await service.send(
      '{ me { sessions { id boundToKey } } }',
      {},
      { token: bound.accessToken },
    )
    const { sessions } = (data as { me: { sessions: { id: string; boundToKey: boolean }[] } }).me
    expect(sessions.find(({ id }) => id === bound.sessionId)?.boundToKey).toBe(true)
    expect(sessions.find(({ id }) => id === ada.sessionId)?.boundToKey).toBe(false)
  })

  test.each<[string, (stolen: Bound) => Promise<string | undefined>]>([
    ['no proof', async () => undefined],
    ['a proof of another key', async () => freshProof(service, newKey())],
    [
      'a proof of the key without its signature',
      async ({ key }) => freshProof(service, key).replace(/[^.]*$/, 'A'.repeat(86)),
    ],
    [
      'a proof of the key by another signature',
      async ({ key }) =>
        proofOf(service, { ...newKey(), jwk: key.jwk }, { claims: { nonce: await nonceOf(service) } }),
    ],
  ])('refuses a copy of its refresh token with %s, and continues', async (_case, proofFor) => {
    const reply = await refreshBound(service, bound.refreshToken, await proofFor(bound))
    expect(refusal(reply)).toBe(INVALID)
    expect(reply.data?.refreshToken).toBeUndefined()
    await goOn(bound)
  })

  test('is not ended by a copy of an old refresh token', async () => {
    const old = bound.refreshToken
    await goOn(bound)
    await goOn(bound)
    expect(refusal(await refreshBound(service, old, undefined))).toBe(INVALID)
    expect(refusal(await refreshBound(service, old, newKey()))).toBe(INVALID)
    await goOn(bound)
  })

  test('ends if its own key uses an old refresh token, as any session does', async () => {
    const session = await signInBound(service, ada.email)
    const old = session.refreshToken
    await goOn(session)
    await goOn(session)
    expect(refusal(await refreshBound(service, old, session.key))).toBe('REFRESH_TOKEN_INVALID')
    expect(await stateOf(service, session.accessToken)).toBe('REVOKED')
  })

  test('leaves copies of its refresh token on record once an hour, and notifies the owner once', async () => {
    const session = await signInBound(service, ada.email)
    const before = await notices()
    const steal = () => refreshBound(service, session.refreshToken, undefined)
    await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        n % 2 ? steal() : refreshBound(replica, session.refreshToken, undefined),
      ),
    )
    expect({ events: await copies(session), notices: (await notices()) - before }).toEqual({
      events: 1,
      notices: 1,
    })
    service.clock.advance(HOUR)
    await steal()
    await steal()
    expect({ events: await copies(session), notices: (await notices()) - before }).toEqual({
      events: 2,
      notices: 1,
    })
    await goOn(session)
  })

  test('leaves no token and no proof on record', async () => {
    const proof = freshProof(service, newKey())
    const session = await signInBound(service, ada.email)
    await refreshBound(service, session.refreshToken, proof)
    const events = await service.app.db.auditEvent.findMany({ where: { action: 'session.copy_refused' } })
    const written = JSON.stringify(events)
    expect(written).toContain(session.sessionId)
    for (const secret of [...session.refreshToken.split('.').slice(2), ...proof.split('.').slice(1)])
      expect(written).not.toContain(secret)
  })

  test('is refused without the key in its cookie too, and the cookie stays', async () => {
    const key = newKey()
    const origin = service.app.config.publicUrl
    const input = { identifier: ada.email, password: PASSWORD, tokenTransport: 'COOKIE' }
    const dpop = freshProof(service, key)
    const { headers } = await service.send(BoundLogin, { input }, { headers: { dpop, origin } })
    const [cookie = ''] =
      headers
        .getSetCookie()
        .find(line => line.startsWith('authograph_refresh='))
        ?.split(';') ?? []
    const send = (proof?: string) =>
      service.send(Refresh, { input: {} }, { headers: { cookie, origin, ...(proof && { dpop: proof }) } })
    for (const proof of [undefined, freshProof(service, newKey()), proofOf(service, key)]) {
      const reply = await send(proof)
      expect(refusal(reply)).toMatch(/^REFRESH_TOKEN_INVALID DPOP_/)
      expect(reply.headers.getSetCookie()).toEqual([])
    }
    expect(codes(await send(freshProof(service, key)))).toEqual([])
  })

  test('a session without a key is refreshed as before, and a proof does not bind it', async () => {
    const { refreshToken } = ada
    const once = pairOf(await refreshBound(service, refreshToken, newKey()))
    Object.assign(ada, await refreshed(service, once.refreshToken))
  })
})

describe('a proof counts once for refreshing', () => {
  test('with the token that it came with', async () => {
    const { refreshToken, key } = bound
    const proof = freshProof(service, key)
    Object.assign(bound, pairOf(await refreshBound(service, refreshToken, proof)))
    expect(refusal(await refreshBound(service, refreshToken, proof))).toBe(AGAIN)
    expect(refusal(await refreshBound(replica, refreshToken, proof))).toBe(AGAIN)
    await goOn(bound)
  })

  test('with a newer token, and with one that is too old', async () => {
    const { refreshToken, key } = bound
    const proof = freshProof(service, key)
    Object.assign(bound, pairOf(await refreshBound(service, refreshToken, proof)))
    expect(refusal(await refreshBound(service, bound.refreshToken, proof))).toBe(AGAIN)
    await goOn(bound)
    expect(refusal(await refreshBound(service, refreshToken, proof))).toBe(AGAIN)
    await goOn(bound)
  })

  test('after it started the session', async () => {
    const key = newKey()
    const dpop = freshProof(service, key)
    const reply = await service.send(
      BoundLogin,
      { input: { identifier: ada.email, password: PASSWORD } },
      { headers: { dpop } },
    )
    const { refreshToken } = (reply.data as { login: Bound }).login
    expect(refusal(await refreshBound(service, refreshToken, dpop))).toBe(AGAIN)
    expect(refusal(await refreshBound(service, refreshToken, key))).toBeUndefined()
  })

  test('after it received the same tokens as another tab', async () => {
    const { refreshToken, key } = bound
    const [one, two] = await Promise.all([
      refreshBound(service, refreshToken, key),
      refreshBound(replica, refreshToken, key),
    ])
    expect(pairOf(one).refreshToken).toBe(pairOf(two).refreshToken)
    Object.assign(bound, pairOf(one))
    const late = freshProof(service, key)
    expect(pairOf(await refreshBound(service, refreshToken, late)).refreshToken).toBe(bound.refreshToken)
    expect(refusal(await refreshBound(replica, refreshToken, late))).toBe(AGAIN)
    await goOn(bound)
  })

  test('although it is sent to two replicas at the same time, eight times each', async () => {
    const { refreshToken, key } = bound
    const proof = freshProof(service, key)
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, n) => refreshBound(n % 2 ? service : replica, refreshToken, proof)),
    )
    const given = replies.filter(reply => refusal(reply) === undefined)
    expect(given).toHaveLength(1)
    expect(new Set(replies.map(refusal))).toEqual(new Set([undefined, AGAIN]))
    Object.assign(bound, ...given.map(pairOf))
    await goOn(bound)
  })

  test('after its answer was lost, and the client goes on with a new one', async () => {
    const { refreshToken, key } = bound
    const lost = freshProof(service, key)
    await refreshBound(service, refreshToken, lost)
    service.clock.advance(40)
    expect(refusal(await refreshBound(service, refreshToken, lost))).toBe(AGAIN)
    await goOn(bound)
    await goOn(bound)
  })
})

test('a restored database signs no client with a key out, and its thief stays outside', async () => {
  const session = await signInBound(service, ada.email)
  const where = { id: session.sessionId }
  const backup = await service.app.db.session.findUniqueOrThrow({ where })
  await goOn(session)
  await goOn(session)
  await service.app.db.session.update({ where, data: backup })
  expect(refusal(await refreshBound(service, session.refreshToken, undefined))).toBe(INVALID)
  await goOn(session)
  await goOn(session)
})

test('a client that sleeps for days is refreshed with its key', async () => {
  const session = await signInBound(service, ada.email)
  service.clock.advance(5 * DAY)
  await goOn(session)
  Object.assign(bound, await signInBound(service, ada.email))
})

test('an access token that is bound to a key needs its proof, also after a change from DPOP=full to DPOP=refresh', async () => {
  const cnf = { jkt: bound.key.thumbprint }
  const token = forge(service, bound.accessToken, { claims: { cnf } })
  expect(await stateOf(service, token)).toBe('DPOP_INVALID')
  const dpop = freshProof(service, bound.key, { ath: accessTokenHash(token) })
  expect(await stateOf(service, undefined, { headers: { authorization: `DPoP ${token}`, dpop } })).toBe(
    'LIVE',
  )
})

test('with DPOP=off, no proof is read, no session is bound, and those that are go on without their key', async () => {
  const off = await startService({
    settings: { ...settings, DPOP: 'off' },
    databaseUrl: service.app.config.database.url ?? '',
    clock: service.clock,
  })
  const input = { identifier: ada.email, password: PASSWORD }
  const headers = { dpop: freshProof(service, newKey()) }
  for (const dpop of [headers.dpop, 'no proof']) {
    const reply = await off.send(BoundLogin, { input }, { headers: { dpop } })
    expect(reply.data).toMatchObject({ login: { tokenType: 'Bearer', session: { boundToKey: false } } })
    expect(reply.headers.get('dpop-nonce')).toBeNull()
  }
  const session = await signInBound(service, ada.email)
  Object.assign(session, pairOf(await refreshBound(off, session.refreshToken, 'no proof')))
  Object.assign(session, pairOf(await refreshBound(off, session.refreshToken, undefined)))
  await goOn(session)
  expect(off.logged).toEqual([])
  await off.close()
})

describe('a session without a key, with REQUIRE_BOUND_SESSIONS=on', () => {
  const UNBOUND = 'FORBIDDEN SESSION_NOT_BOUND'
  type Start = (sending: Sending) => Promise<Reply<unknown>>
  let eve: SignedIn
  let admin: SignedIn
  let held: Bound
  let browser: SoftAuthenticator
  beforeAll(async () => {
    eve = await signUpVerified(service)
    browser = await havePasskey(service, eve.id)
    admin = await signUpVerified(service)
    await service.app.db.userRole.create({ data: { userId: admin.id, roleName: 'admin' } })
    held = await signInBound(service, admin.email)
  })
  /** Either of the two sends an email. */
  const mailsTo = async (address: string) => {
    const emails = await Promise.all([service, replica].map(each => each.mailsTo(address)))
    return emails.flat().sort((one, other) => String(one.messageId).localeCompare(String(other.messageId)))
  }
  const someoneNew = someone()
  const someoneElse = someone()
  const byProvider = async (person: FakeClaims, sending: Sending) =>
    complete(service, await codeFor(service, fake, person, { provider: 'sure' }), sending)

  test.each<[string, Start]>([
    [
      'register',
      send => service.send(Register, { input: { email: newAddress(), password: PASSWORD } }, send),
    ],
    [
      'registerWithPasskey',
      async send => {
        const { data, errors } = await service.send(BeginPasskeyRegistration, {
          input: { email: newAddress() },
        })
        const { ticket, options } = begun<PublicKeyCredentialCreationOptionsJSON>(
          data?.beginPasskeyRegistration,
          errors,
        )
        const credential = newAuthenticator(service).create(options) as unknown as Record<string, unknown>
        return service.send(RegisterWithPasskey, { input: { passkey: { ticket, credential } } }, send)
      },
    ],
    [
      'loginWithPasskey',
      async send => {
        const { ticket, options } = await beginLogin(service)
        return answerLogin(service, ticket, browser.get(options, {}), {}, send)
      },
    ],
    [
      'loginWithEmail',
      async send => {
        const { ticket, code } = await emailedLogin({ ...service, mailsTo }, eve.email)
        return loginWithEmail(service, { ticket, code }, send)
      },
    ],
    ['completeProviderSignIn, for a new account', send => byProvider(someone(), send)],
    ['completeProviderSignIn, for a known account', send => byProvider(someoneNew, send)],
    [
      'completeProviderSignUp',
      async send => {
        const input = await codeFor(service, fake, someone(), { provider: 'corp' })
        const result = (await complete(service, input)).data?.completeProviderSignIn
        if (result?.__typename !== 'ProviderSignUpRequired') throw new Error(result?.__typename)
        return service.send(
          CompleteProviderSignUp,
          { input: { ticket: result.ticket, email: newAddress() } },
          send,
        )
      },
    ],
    [
      'signInWithIdToken',
      async send => {
        const nonce = (await service.send(CreateProviderNonce)).data?.createProviderNonce.nonce ?? ''
        const idToken = await fake.idToken(someoneElse, { nonce })
        return service.send(SignInWithIdToken, { input: { provider: 'sure', idToken, nonce } }, send)
      },
    ],
  ])('cannot use a role that it receives later, and one that %s binds can', async (_name, start) => {
    const key = newKey()
    for (const proven of [false, true]) {
      const reply = await start(proven ? { headers: { dpop: freshProof(service, key) } } : {})
      expect(reply.errors).toEqual([])
      const [payload] = Object.values(reply.data as Record<string, Bound & { user: { id: string } }>)
      const { refreshToken, accessToken: token, user } = payload as Bound & { user: { id: string } }
      const role = { userId: user.id, roleName: 'admin' }
      await service.app.db.userRole.createMany({ data: [role], skipDuplicates: true })
      const asked = await replica.send('{ users(first: 1) { nodes { id } } }', {}, { token })
      expect(refusal(asked)).toBe(proven ? undefined : UNBOUND)
      if (proven) expect(refusal(await refreshBound(service, refreshToken, undefined))).toBe(INVALID)
      expect(refusal(await refreshBound(service, refreshToken, proven ? key : undefined))).toBeUndefined()
    }
  })

  test('cannot act as another user either, although it began to before that was required', async () => {
    const actAs = async ({ accessToken: token }: { accessToken: string }) => {
      const document = 'mutation ($id: ID!) { impersonateUser(id: $id, reason: "a test") { accessToken } }'
      const { data } = await service.send(document, { id: ada.id }, { token })
      return (data as { impersonateUser: { accessToken: string } }).impersonateUser.accessToken
    }
    const change = async (token: string, on: Service) =>
      refusal(
        await on.send('mutation { updateProfile(input: { displayName: "Ada" }) { id } }', {}, { token }),
      )
    const free = await actAs(admin)
    expect(await change(free, service)).toBeUndefined()
    expect(await change(free, replica)).toBe(UNBOUND)
    expect(await change(await actAs(held), replica)).toBeUndefined()
  })

  test('creates no API key for its permissions, and keys and service accounts need no proof', async () => {
    const create = (token: string) =>
      replica.send(
        'mutation { createApiKey(input: { name: "ci", permissions: ["users:read"] }) { secret } }',
        {},
        { token },
      )
    expect(refusal(await create(admin.accessToken))).toBe(UNBOUND)
    const { data } = await create(held.accessToken)
    const { secret } = (data as { createApiKey: { secret: string } }).createApiKey
    const client = await newServiceAccount(service, admin, { roles: ['admin'] })
    for (const token of [secret, await tokenOf(replica, client)])
      expect(
        refusal(await replica.send('{ users(first: 1) { nodes { id } } }', {}, { token })),
      ).toBeUndefined()
  })

  test('is not bound by a step-up, and a step-up moves no session to another key', async () => {
    const step = async (token: string) => {
      const reply = await service.send(
        'mutation { stepUp(input: { proofs: [{ password: "seventeen brass engines" }] }) { refreshToken session { boundToKey } } }',
        {},
        { token, headers: { dpop: freshProof(service, newKey()) } },
      )
      return (reply.data as { stepUp: Bound }).stepUp
    }
    expect((await step(admin.accessToken)).session.boundToKey).toBe(false)
    const { refreshToken } = await step(held.accessToken)
    expect(refusal(await refreshBound(service, refreshToken, newKey()))).toBe(INVALID)
    expect(refusal(await refreshBound(service, refreshToken, held.key))).toBeUndefined()
  })
})

describe('a sign-in with a proof that is refused', () => {
  const schema = createSchema()
  const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})
  const reachesTokens = (type: GraphQLOutputType, seen: unknown[] = []): boolean => {
    const named = getNamedType(type)
    if (seen.includes(named)) return false
    if (named.name === 'AuthPayload') return true
    const next = isUnionType(named)
      ? [...named.getTypes()]
      : isObjectType(named)
        ? Object.values(named.getFields()).map(field => field.type)
        : []
    return next.some(inner => reachesTokens(inner, [...seen, named]))
  }
  const waysIn = mutations
    .filter(({ name, type }) => name !== 'refreshToken' && reachesTokens(type))
    .map(({ name }) => name)

  test('is one of all ways in', () => {
    expect(waysIn.toSorted()).toEqual([
      'addPasskey',
      'completeLogin',
      'completeProviderSignIn',
      'completeProviderSignUp',
      'confirmTotp',
      'impersonateUser',
      'login',
      'loginWithEmail',
      'loginWithPasskey',
      'register',
      'registerWithPasskey',
      'signInWithIdToken',
      'stepUp',
    ])
  })

  test.each(waysIn)('%s tries nothing', async name => {
    const { text, variables } = sampleCall(schema, `Mutation.${name}`)
    const send = (dpop: string) => service.send(text, variables, { headers: { dpop } })
    expect(refusal(await send(proofOf(service, newKey())))).toBe('BAD_USER_INPUT DPOP_NONCE')
    expect(refusal(await send('no proof'))).toBe('BAD_USER_INPUT DPOP_INVALID')
  })

  test('counts no attempt', async () => {
    const identifier = `${randomUUID()}@example.com`
    for (let n = 0; n < 15; n++) {
      const reply = await login(service, { identifier }, { headers: { dpop: proofOf(service, newKey()) } })
      expect(refusal(reply)).toBe('BAD_USER_INPUT DPOP_NONCE')
    }
    expect(codes(await login(service, { identifier }))).toEqual(['INVALID_CREDENTIALS'])
  })

  test('spends no ticket, and the key that is proved with the second factor is the one that counts', async () => {
    const grace = await signUpVerified(service)
    const app = await haveTotp(service, grace.id)
    const key = newKey()
    const first = freshProof(service, newKey())
    const input = { identifier: grace.email, password: PASSWORD }
    const { data } = await service.send(BoundLogin, { input }, { headers: { dpop: first } })
    const { ticket } = (data as { login: { ticket: string } }).login
    const complete = (dpop: string) =>
      secondStep(service, ticket, { totpCode: app.code() }, { headers: { dpop } })
    expect(refusal(await complete(proofOf(service, key)))).toBe('BAD_USER_INPUT DPOP_NONCE')
    const reply = await complete(freshProof(service, key))
    expect(refusal(reply)).toBeUndefined()
    const refreshToken = String(reply.data?.completeLogin.refreshToken)
    expect(refusal(await refreshBound(service, refreshToken, undefined))).toBe(INVALID)
    expect(refusal(await refreshBound(service, refreshToken, key))).toBeUndefined()
  })
})
