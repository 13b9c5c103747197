import { describe, expect, test } from '@jest/globals'
import { newAddress, signUpVerified } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { haveTotp } from '../support/factors.ts'
import { CompleteLogin } from '../support/operations.ts'
import {
  begin,
  codeFor,
  complete,
  land,
  newVerifier,
  RETURN_TO,
  signedInWith,
  signInWith,
  someone,
  start,
  useProviders,
} from '../support/provider-sign-in.ts'
import { watchQueries } from '../support/queries.ts'
import { codes } from '../support/service.ts'
import { refresh } from '../support/sessions.ts'

const { service, fake } = useProviders({ NATIVE_RETURN_URLS: 'myapp://signed-in' })

test('a first sign-in with a provider creates a verified account without a password', async () => {
  const person = someone()
  const { user, session } = await signedInWith(service, fake, person)
  expect(user).toMatchObject({
    email: person.email,
    emailVerified: true,
    displayName: 'Ada',
    hasPassword: false,
  })
  expect(user.identities).toMatchObject([{ provider: 'sure', email: person.email, displayName: 'Ada' }])
  expect(session).toMatchObject({ strength: 'SINGLE', methods: ['PROVIDER'] })
})

test('the next sign-in finds the same account, also after the address at the provider has changed', async () => {
  const person = someone()
  const first = await signedInWith(service, fake, person)
  const email = newAddress()
  const second = await signedInWith(service, fake, { ...person, email })
  expect(second.user).toMatchObject({ id: first.user.id, email: person.email })
  expect(second.user.identities).toMatchObject([{ email }])
  expect(second.session.id).not.toBe(first.session.id)
})

describe('a sign-in from a device that the account knows', () => {
  async function known() {
    const person = someone()
    const { deviceToken, user } = await signedInWith(service, fake, person)
    const again = () => signInWith(service, fake, person, 'sure', { deviceToken })
    return { id: user.id, person, deviceToken, again }
  }

  test('is completed with one statement where it came back, and recorded as any other', async () => {
    const { id, person, deviceToken } = await known()
    const email = newAddress()
    const input = await codeFor(service, fake, { ...person, email })
    service.clock.advance(1)
    const queries: (string | undefined)[] = []
    const stop = watchQueries(service.app, name => queries.push(name))
    const { data } = await complete(service, { ...input, deviceToken })
    stop()
    expect(queries[0]).toBe('start provider')
    expect(queries).not.toContain('provider-flow-by-code')
    expect(queries.filter(name => name?.startsWith('login'))).toEqual([])
    if (data?.completeProviderSignIn.__typename !== 'AuthPayload') throw new Error(JSON.stringify(data))
    const { session, user } = data.completeProviderSignIn
    expect(user).toMatchObject({ id, identities: [{ email, displayName: 'Ada' }] })
    expect(session).toMatchObject({ strength: 'SINGLE', methods: ['PROVIDER'] })
    expect((await auditOf(service, id)).at(-1)).toMatchObject({
      action: 'session.started',
      actorId: id,
      detail: { sessionId: session.id, methods: ['PROVIDER'], provider: 'sure' },
    })
    expect(await complete(service, { ...input, deviceToken })).toMatchObject({
      data: { completeProviderSignIn: { session: { id: session.id } } },
    })
  })

  test('asks for the second factor that the account has by then', async () => {
    const { id, again } = await known()
    await haveTotp(service, id)
    expect((await again()).__typename).toBe('SecondFactorRequired')
  })

  test('is refused if the account is disabled, and connects the identity again if it is gone', async () => {
    const { id, person, deviceToken, again } = await known()
    await service.app.db.identity.deleteMany({ where: { userId: id } })
    const result = await again()
    expect(result.__typename === 'AuthPayload' && result.user.id).toBe(id)
    await service.app.db.user.update({ where: { id }, data: { disabledAt: service.clock.now() } })
    const input = await codeFor(service, fake, person)
    expect(codes(await complete(service, { ...input, deviceToken }))).toEqual(['ACCOUNT_DISABLED'])
  })

  test('starts one session, however often it is completed in the same moment', async () => {
    const { id, person, deviceToken } = await known()
    const input = await codeFor(service, fake, person)
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => complete(service, { ...input, deviceToken })),
    )
    const ids = replies.map(({ data }) => {
      const payload = data?.completeProviderSignIn
      return payload?.__typename === 'AuthPayload' ? payload.session.id : payload?.__typename
    })
    expect(new Set(ids).size).toBe(1)
    expect(await service.app.db.session.count({ where: { userId: id } })).toBe(2)
  })
})

test('no token, no session and no address is in any URL', async () => {
  const person = someone()
  const { url, verifier } = await begin(service)
  const { to, code } = await land(service, fake.authorize(url, person))
  expect(to?.href).toBe(`${RETURN_TO}?provider_code=${code}`)
  expect(url.href).not.toContain(verifier)
  const { data } = await complete(service, { code: code ?? '', codeVerifier: verifier })
  const payload = data?.completeProviderSignIn
  expect(payload?.__typename).toBe('AuthPayload')
})

test('the code is worthless without the verifier of the client that began', async () => {
  const { code } = await codeFor(service, fake, someone())
  const other = await begin(service)
  expect(codes(await complete(service, { code, codeVerifier: other.verifier }))).toEqual(['TOKEN_INVALID'])
})

test('a lost answer is repeated for a minute: the same session, until it is refreshed', async () => {
  const input = await codeFor(service, fake, someone())
  const first = await complete(service, input)
  service.clock.advance(40)
  const again = await complete(service, input)
  const [one, two] = [first, again].map(({ data }) => data?.completeProviderSignIn)
  if (one?.__typename !== 'AuthPayload' || two?.__typename !== 'AuthPayload') throw new Error('not signed in')
  expect(two.session.id).toBe(one.session.id)
  expect(two.refreshToken).toBe(one.refreshToken)
  await refresh(service, two.refreshToken ?? '')
  expect(codes(await complete(service, input))).toEqual(['TOKEN_INVALID'])
})

test('a code is not repeated after a minute', async () => {
  const input = await codeFor(service, fake, someone())
  await complete(service, input)
  service.clock.advance(61)
  expect(codes(await complete(service, input))).toEqual(['TOKEN_INVALID'])
})

test('an unused code expires', async () => {
  const input = await codeFor(service, fake, someone())
  service.clock.advance(301)
  expect(codes(await complete(service, input))).toEqual(['TOKEN_INVALID'])
})

test('the code of a completion that is sent twice at the same time starts one session', async () => {
  const input = await codeFor(service, fake, someone())
  const replies = await Promise.all(Array.from({ length: 8 }, () => complete(service, input)))
  const sessions = replies.map(({ data }) => data?.completeProviderSignIn)
  const ids = new Set(sessions.map(each => (each?.__typename === 'AuthPayload' ? each.session.id : each)))
  expect(ids.size).toBe(1)
  const [payload] = sessions
  if (payload?.__typename !== 'AuthPayload') throw new Error('not signed in')
  expect(await service.app.db.session.count({ where: { userId: payload.user.id } })).toBe(1)
})

test.each([
  ['another site', 'https://evil.example/'],
  ['an address without a scheme', '//evil.example'],
  ['a username before another host', 'http://localhost:4000@evil.example/'],
  ['a suffix of an allowed host', 'http://localhost:4000.evil.example/'],
  ['a script', 'javascript:alert(1)'],
  ['a path alone', '/account'],
  ['backslashes', 'http:\\\\evil.example'],
  ['an app that is not listed', 'otherapp://signed-in'],
  ['a longer address of a listed app', 'myapp://signed-in/more'],
  ['a query at a listed app', 'myapp://signed-in?to=x'],
])('returnTo refuses %s', async (_name, returnTo) => {
  const { reply } = await start(service, { returnTo })
  expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
  expect(Object.keys(reply.errors[0]?.extensions.fields ?? {})).toEqual(['input.returnTo'])
})

test('an app gets the code at exactly the address that is listed', async () => {
  const { url } = await begin(service, { returnTo: 'myapp://signed-in' })
  const { to, code } = await land(service, fake.authorize(url, someone()))
  expect(to?.href).toBe(`myapp://signed-in?provider_code=${code}`)
})

test.each([
  ['an unknown provider', { provider: 'unlisted' }, 'input.provider'],
  ['a plain challenge', { codeChallenge: 'too-short' }, 'input.codeChallenge'],
  ['a hint with a line break', { loginHint: 'ada\r\n' }, 'input.loginHint'],
])('the start refuses %s', async (_name, input, field) => {
  const { reply } = await start(service, input)
  expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
  expect(Object.keys(reply.errors[0]?.extensions.fields ?? {})).toEqual([field])
})

test('an account that demands a second factor gets the next step, and no session', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  await service.app.db.user.update({ where: { id: user.id }, data: { secondFactorRequired: true } })
  const before = await service.app.db.session.count({ where: { userId: user.id } })
  const result = await signInWith(service, fake, person)
  expect(result.__typename).toBe('SecondFactorSetupRequired')
  expect(await service.app.db.session.count({ where: { userId: user.id } })).toBe(before)
})

test('a second factor completes the sign-in, and the session remembers the identity', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  const app = await haveTotp(service, user.id)
  const result = await signInWith(service, fake, { ...person, sid: 'there-2' })
  if (result.__typename !== 'SecondFactorRequired') throw new Error(result.__typename)
  expect(result.methods).toContain('TOTP')
  const reply = await service.send(CompleteLogin, {
    input: { ticket: result.ticket, proof: { totpCode: app.code() } },
  })
  const payload = reply.data?.completeLogin
  expect(payload?.session).toMatchObject({ strength: 'MULTI', methods: ['TOTP', 'PROVIDER'] })
  const [row] = await service.app.db.$queryRaw<object[]>`
    SELECT identity_id, provider_sid FROM sessions WHERE id = ${payload?.session.id}::uuid`
  expect(row).toEqual({ identity_id: user.identities[0]?.id, provider_sid: 'there-2' })
})

test('a lost answer that asks for a second factor is repeated: the same ticket, which starts one session', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  const app = await haveTotp(service, user.id)
  const sessions = () => service.app.db.session.count({ where: { userId: user.id } })
  const before = await sessions()
  const input = await codeFor(service, fake, person)
  const replies = await Promise.all(Array.from({ length: 8 }, () => complete(service, input)))
  service.clock.advance(40)
  replies.push(await complete(service, input))
  expect(replies.flatMap(codes)).toEqual([])
  const [first, ...others] = replies.map(({ data }) => data?.completeProviderSignIn)
  if (first?.__typename !== 'SecondFactorRequired') throw new Error(first?.__typename)
  for (const other of others) expect(other).toEqual(first)
  expect(await sessions()).toBe(before)
  const stranger = { ...input, codeVerifier: newVerifier().verifier }
  expect(codes(await complete(service, stranger))).toEqual(['TOKEN_INVALID'])

  const send = (steps: number) =>
    service.send(CompleteLogin, { input: { ticket: first.ticket, proof: { totpCode: app.code(steps) } } })
  expect(codes(await send(0))).toEqual([])
  expect(codes(await complete(service, input))).toEqual([])
  expect(codes(await send(1))).toEqual(['TICKET_INVALID'])
  expect(await sessions()).toBe(before + 1)
  service.clock.advance(21)
  expect(codes(await complete(service, input))).toEqual(['TOKEN_INVALID'])
})

test('a disabled account gets no session', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  const input = await codeFor(service, fake, person)
  await service.app.db.user.update({ where: { id: user.id }, data: { disabledAt: service.clock.now() } })
  expect(codes(await complete(service, input))).toEqual(['ACCOUNT_DISABLED'])
})

test('an identity that was disconnected during the sign-in gets no session of its former account', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  const input = await codeFor(service, fake, person, { provider: 'corp' })
  await service.app.db.identity.deleteMany({ where: { userId: user.id } })
  const { data } = await complete(service, input)
  expect(data?.completeProviderSignIn.__typename).toBe('ProviderSignUpRequired')
})

test('a flow that began is not completed by the code of another', async () => {
  const one = await codeFor(service, fake, someone())
  const two = await codeFor(service, fake, someone())
  const mixed = { code: one.code, codeVerifier: two.codeVerifier }
  expect(codes(await complete(service, mixed))).toEqual(['TOKEN_INVALID'])
})

test('the providers are in the settings for forms', async () => {
  const { data } = await service.send<
    { authSettings: { providers: { id: string; type: string; idTokens: boolean; clientId: string }[] } },
    object
  >('{ authSettings { providers { id type name clientId idTokens } } }')
  expect(data?.authSettings.providers.map(({ id }) => id)).toEqual(['sure', 'verifying', 'corp'])
  expect(data?.authSettings.providers[0]).toMatchObject({
    type: 'oidc',
    clientId: fake.clientId,
    idTokens: true,
  })
})

test('the session remembers the identity that signed in', async () => {
  const person = someone()
  const { user, session } = await signedInWith(service, fake, { ...person, sid: 'there-1' })
  const [row] = await service.app.db.$queryRaw<{ identity_id: string; provider_sid: string | null }[]>`
    SELECT identity_id, provider_sid FROM sessions WHERE id = ${session.id}::uuid`
  expect(row).toEqual({ identity_id: user.identities[0]?.id, provider_sid: 'there-1' })
})

test('signing in with a provider leaves a verified password account as it is', async () => {
  const ada = await signUpVerified(service)
  const result = await signInWith(service, fake, someone({ email: ada.email }), 'verifying')
  expect(result).toMatchObject({ __typename: 'ProviderLinkRequired', address: ada.email })
  expect(await service.app.db.identity.count({ where: { userId: ada.id } })).toBe(0)
})
