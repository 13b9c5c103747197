import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { NO_REQUEST } from '../../src/audit/record.ts'
import { revokeSessions } from '../../src/sessions/revoke.ts'
import { login, newAddress, register } from '../support/actors.ts'
import { TestClock } from '../support/clock.ts'
import { startFakeProvider } from '../support/fake-provider.ts'
import { auditDuring } from '../support/provider-attack.ts'
import {
  begin,
  challengeOf,
  comeBack,
  complete,
  newPerson,
  newVerifier,
  RETURN_TO,
  resultOf,
  startSignIn,
} from '../support/provider-browser.ts'
import { codes, startService, useService } from '../support/service.ts'

const clock = new TestClock()
const corp = await startFakeProvider({ clock })
const settings = {
  ...corp.settings('corp'),
  PROVIDER_CORP_EMAIL: 'verified',
  RETURN_ORIGINS: 'https://app.example.com',
  NATIVE_RETURN_URLS: 'myapp://sign-in,https://links.example.com/app/sign-in',
}
const service = useService({ clock, settings })

afterEach(() => {
  corp.bend = {}
})
afterAll(() => corp.stop())

const sessions = () => service.app.db.session.count()
/** The log names the cause of each refusal. */
const forgetLog = () => service.logged.splice(0)

/** A sign-in whose browser is back with a code. */
async function returned(person = newPerson(), input = {}) {
  const begun = await begin(service, input)
  const { code } = await comeBack(service, corp.authorize(begun.url, person), begun)
  if (!code) throw new Error('the callback gave no code')
  return { ...begun, code, person }
}

describe('a state', () => {
  test('that is unknown leads to a page that says what to do, without an exchange or a redirect', async () => {
    const { url } = await begin(service)
    const back = corp.authorize(url, newPerson())
    back.searchParams.set('state', newVerifier())
    const exchanges = corp.exchanges
    const { events, result } = await auditDuring(service, () => comeBack(service, back))
    expect(result.status).toBe(400)
    expect(result.location).toBeUndefined()
    expect(result.text).toMatch(/expired|start again/i)
    expect(events).toMatchObject([{ action: 'session.denied' }])
    expect(corp.exchanges).toBe(exchanges)
  })

  test('that is missing does the same', async () => {
    const landing = await comeBack(service, `${service.url}/sign-in/callback/corp?code=x`)
    expect([landing.status, landing.location]).toEqual([400, undefined])
  })

  test('works once', async () => {
    const begun = await begin(service)
    const person = newPerson()
    const exchanges = corp.exchanges
    expect((await comeBack(service, corp.authorize(begun.url, person), begun)).code).not.toBeNull()
    const again = await comeBack(service, corp.authorize(begun.url, person), begun)
    expect([again.status, again.code]).toEqual([400, null])
    expect(corp.exchanges).toBe(exchanges + 1)
  })

  test('that 50 callbacks bring at the same time leads to one exchange and one code', async () => {
    const begun = await begin(service)
    const back = corp.authorize(begun.url, newPerson())
    const exchanges = corp.exchanges
    const landings = await Promise.all(Array.from({ length: 50 }, () => comeBack(service, back, begun)))
    expect(corp.exchanges).toBe(exchanges + 1)
    expect(landings.filter(({ code }) => code !== null)).toHaveLength(1)
  })

  test('expires after 15 minutes', async () => {
    const begun = await begin(service)
    clock.advance(15 * 60 + 1)
    const landing = await comeBack(service, corp.authorize(begun.url, newPerson()), begun)
    expect([landing.status, landing.code]).toEqual([400, null])
  })

  test('of one provider does not work at the callback of another name', async () => {
    const begun = await begin(service)
    const back = corp.authorize(begun.url, newPerson())
    back.pathname = '/sign-in/callback/unknown'
    const exchanges = corp.exchanges
    const landing = await comeBack(service, back, begun)
    forgetLog()
    expect(landing).toMatchObject({ code: null, error: 'TOKEN_INVALID' })
    expect(corp.exchanges).toBe(exchanges)
  })
})

describe('a code of the callback', () => {
  test('is of no use without the verifier, and still works for the client that has it', async () => {
    const { code, verifier } = await returned()
    const before = await sessions()
    for (const wrong of [newVerifier(), challengeOf(verifier), '', 'x'.repeat(5000)]) {
      const refused = await complete(service, code, wrong)
      expect(codes(refused)[0]).toMatch(/^(TOKEN_INVALID|BAD_USER_INPUT)$/)
    }
    expect(await sessions()).toBe(before)
    expect((await complete(service, code, verifier)).errors).toEqual([])
  })

  test('starts one session, however often it is used at the same time', async () => {
    const { code, verifier } = await returned()
    const before = await sessions()
    const replies = await Promise.all(Array.from({ length: 20 }, () => complete(service, code, verifier)))
    const ids = replies.flatMap(({ data }) => data?.completeProviderSignIn.session?.id ?? [])
    expect(new Set(ids).size).toBe(1)
    expect(await sessions()).toBe(before + 1)
    for (const reply of replies) expect(['', 'TOKEN_INVALID']).toContain(codes(reply).join())
  })

  test('returns the same session when its answer was lost, for a minute', async () => {
    const { code, verifier } = await returned()
    const first = await complete(service, code, verifier)
    const session = first.data?.completeProviderSignIn.session
    clock.advance(50)
    const again = await complete(service, code, verifier)
    expect(again.data?.completeProviderSignIn.session?.id).toBe(session?.id)
    clock.advance(11)
    expect(codes(await complete(service, code, verifier))).toEqual(['TOKEN_INVALID'])
  })

  test('returns nothing once the session has been refreshed', async () => {
    const { code, verifier } = await returned()
    const { data } = await complete(service, code, verifier)
    const refreshToken = data?.completeProviderSignIn.refreshToken
    const refreshed = await service.send(
      'mutation ($token: String) { refreshToken(input: { refreshToken: $token }) { accessToken } }',
      { token: refreshToken },
    )
    expect(refreshed.errors).toEqual([])
    expect(codes(await complete(service, code, verifier))).toEqual(['TOKEN_INVALID'])
  })

  test.each<[string, (userId: string, sessionId: string) => Promise<unknown>]>([
    [
      'signed out',
      (_, id) => service.app.db.session.updateMany({ where: { id }, data: { revokedAt: clock.now() } }),
    ],
    ['disabled', id => service.app.db.user.update({ where: { id }, data: { disabledAt: clock.now() } })],
    ['deleted', id => service.app.db.user.delete({ where: { id } })],
    [
      'signed out everywhere',
      async userId =>
        revokeSessions(
          service.app,
          { userId },
          { action: 'session.revoked', request: NO_REQUEST, actorId: userId },
        ),
    ],
  ])('returns nothing once the account is %s', async (_, end) => {
    const { code, verifier } = await returned()
    const { data } = await complete(service, code, verifier)
    const { user, session } = data?.completeProviderSignIn ?? {}
    await end(user?.id ?? '', session?.id ?? '')
    expect(codes(await complete(service, code, verifier))).toEqual(['TOKEN_INVALID'])
  })

  test('expires after 5 minutes', async () => {
    const { code, verifier } = await returned()
    clock.advance(5 * 60 + 1)
    expect(codes(await complete(service, code, verifier))).toEqual(['TOKEN_INVALID'])
  })

  test('is not the provider’s code', async () => {
    const begun = await begin(service)
    const back = corp.authorize(begun.url, newPerson())
    const { code } = await comeBack(service, back, begun)
    expect(code).not.toBe(back.searchParams.get('code'))
    expect(codes(await complete(service, back.searchParams.get('code'), begun.verifier))).toEqual([
      'TOKEN_INVALID',
    ])
  })
})

describe('a sign-in that a page began', () => {
  test('ends only in the browser that began it', async () => {
    const person = newPerson()
    for (const other of [undefined, 'another']) {
      const begun = await begin(service, { tokenTransport: 'COOKIE' })
      expect(begun.cookie).toBeDefined()
      const cookie = other && begun.cookie?.replace(/=.*/, `=${newVerifier()}`)
      const exchanges = corp.exchanges
      const { events, result } = await auditDuring(service, () =>
        comeBack(service, corp.authorize(begun.url, person), { cookie }),
      )
      forgetLog()
      expect(result).toMatchObject({ code: null })
      expect(events).toHaveLength(1)
      expect(corp.exchanges).toBe(exchanges)
    }
    expect(await resultOf(service, corp, person, { tokenTransport: 'COOKIE' })).toMatchObject({
      __typename: 'AuthPayload',
    })
  })

  test('is not disturbed by a second one in another tab', async () => {
    const one = await begin(service, { tokenTransport: 'COOKIE' })
    const headers = { cookie: one.cookie ?? '', origin: 'http://localhost:4000' }
    const two = await begin(service, { tokenTransport: 'COOKIE' }, { headers })
    const cookie = `${one.cookie}; ${two.cookie}`
    for (const begun of [one, two])
      expect(
        (await comeBack(service, corp.authorize(begun.url, newPerson()), { cookie })).code,
      ).not.toBeNull()
  })

  test('sets a cookie that scripts cannot read and other sites do not send with a request', async () => {
    const { headers } = await startSignIn(service, { tokenTransport: 'COOKIE' })
    const cookie = headers.getSetCookie().find(text => text.includes('authograph_flow_'))
    expect(cookie).toMatch(/; HttpOnly/)
    expect(cookie).toMatch(/; SameSite=Lax/)
    expect(cookie).toMatch(/; Path=\//)
  })

  test('an app needs no cookie', async () => {
    const begun = await begin(service)
    expect(begun.cookie).toBeUndefined()
    expect((await comeBack(service, corp.authorize(begun.url, newPerson()))).code).not.toBeNull()
  })
})

describe('returnTo', () => {
  test.each([
    ['another scheme for the host', '//evil.example/'],
    ['a username that looks like the host', 'https://app.example.com@evil.example/'],
    ['a password that looks like the host', 'https://app:example.com@evil.example/'],
    ['a username on the host', 'https://evil@app.example.com/'],
    ['a longer host', 'https://app.example.com.evil.example/'],
    ['a host that only ends so', 'https://evilapp.example.com/'],
    ['another port', 'https://app.example.com:8443/'],
    ['plain http', 'http://app.example.com/'],
    ['a script', 'javascript:alert(1)'],
    ['a script with the host in it', 'javascript://app.example.com/%0aalert(1)'],
    ['data', 'data:text/html,x'],
    ['a path', '/after'],
    ['a backslash', 'https://app.example.com\\@evil.example/'],
    ['two backslashes', '\\\\evil.example\\'],
    ['a tab within', 'ht\ttps://evil.example/'],
    ['a line break within', 'https://app.example.com\n.evil.example/'],
    ['a leading space', ' https://evil.example/'],
    ['an app with more after it', 'myapp://sign-in/../steal'],
    ['an app in other letters', 'MYAPP://sign-in'],
    ['an app with a query', 'myapp://sign-in?x=1'],
    ['another page beside a universal link', 'https://links.example.com/app/other'],
    ['nothing', ''],
    ['a very long address', `https://app.example.com/${'x'.repeat(5000)}`],
  ])('is refused with %s', async (_, returnTo) => {
    const before = await service.app.db.providerFlow.count()
    expect(codes(await startSignIn(service, { returnTo }))).toEqual(['BAD_USER_INPUT'])
    expect(await service.app.db.providerFlow.count()).toBe(before)
  })

  test.each([
    ['an origin of RETURN_ORIGINS, with its query', 'https://app.example.com/after?from=menu'],
    ['this server', RETURN_TO],
    ['an app', 'myapp://sign-in'],
    ['a universal link', 'https://links.example.com/app/sign-in'],
  ])('leads to %s, with nothing added but the code', async (_, returnTo) => {
    const begun = await begin(service, { returnTo })
    const { location, code } = await comeBack(service, corp.authorize(begun.url, newPerson()), begun)
    expect(code).toMatch(/^[\w-]{43}$/)
    const expected = new URL(returnTo)
    expected.searchParams.set('provider_code', code ?? '')
    expect(location?.href).toBe(expected.href)
  })
})

describe('addresses', () => {
  test('the one of the provider has no verifier and no personal data, and asks for S256, a nonce and a state', async () => {
    const { url, verifier } = await begin(service)
    expect(url.href).not.toContain(verifier)
    expect(url.href).not.toContain(challengeOf(verifier))
    const asked = url.searchParams
    expect(asked.get('response_type')).toBe('code')
    expect(asked.get('code_challenge_method')).toBe('S256')
    expect(asked.get('redirect_uri')).toBe('http://localhost:4000/sign-in/callback/corp')
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name)).toMatch(/^[\w-]{43,}$/)
  })

  test('no two sign-ins share a state, a nonce or a challenge', async () => {
    const urls = await Promise.all(Array.from({ length: 20 }, () => begin(service)))
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(new Set(urls.map(({ url }) => url.searchParams.get(name))).size).toBe(20)
  })

  test.each(['host', 'x-forwarded-host', 'forwarded', 'x-original-host'])(
    'a forged %s changes no redirect_uri',
    async header => {
      const { hostname, port } = new URL(service.url)
      const value = header === 'forwarded' ? 'host=evil.example' : 'evil.example'
      const body = JSON.stringify({
        query: 'mutation ($input: StartProviderInput!) { startProviderSignIn(input: $input) { url } }',
        variables: {
          input: { provider: 'corp', returnTo: RETURN_TO, codeChallenge: challengeOf(newVerifier()) },
        },
      })
      const sent = request({
        hostname,
        port,
        path: '/graphql',
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          [header]: value,
        },
      })
      sent.end(body)
      const [response] = await once(sent, 'response')
      const answer = await text(response)
      expect(answer).not.toContain('evil.example')
      expect(decodeURIComponent(answer)).toContain('http://localhost:4000/sign-in/callback/corp')
    },
  )

  test('a hint is sent to the provider as it is, and adds no parameter', async () => {
    const { url } = await begin(service, { loginHint: 'ada@example.com&prompt=none' })
    expect(url.searchParams.get('login_hint')).toBe('ada@example.com&prompt=none')
    expect(url.searchParams.get('prompt')).not.toBe('none')
  })
})

describe('a challenge that is not the SHA-256 of anything is refused:', () => {
  test.each(['', 'short', 'x'.repeat(44), `${'x'.repeat(42)}=`, `${'x'.repeat(42)}/`])(
    '%j',
    async codeChallenge => {
      expect(codes(await startSignIn(service, { codeChallenge }))).toEqual(['BAD_USER_INPUT'])
    },
  )
})

test('an unknown provider is refused, and no address is fetched', async () => {
  const requests = corp.requests.length
  for (const provider of ['unknown', '__proto__', 'CORP', '', '../corp', 'corp\n']) {
    expect(codes(await startSignIn(service, { provider }))).toEqual(['BAD_USER_INPUT'])
  }
  expect(corp.requests).toHaveLength(requests)
})

test('a flow that begins on one replica ends on another', async () => {
  const other = await startService({ databaseUrl: service.app.config.database.url ?? '', clock, settings })
  try {
    const begun = await begin(service)
    const { code } = await comeBack(other, corp.authorize(begun.url, newPerson()), begun)
    const { data, errors } = await complete(service, code, begun.verifier)
    expect(errors).toEqual([])
    expect(data?.completeProviderSignIn.__typename).toBe('AuthPayload')
  } finally {
    await other.close()
  }
})

test('50 first sign-ins of one person at the same time make one account, in which all of them end', async () => {
  const person = newPerson()
  const flows = await Promise.all(Array.from({ length: 50 }, () => returned(person)))
  const ids: string[] = []
  // On a busy machine, some are asked to try again.
  for (let open = flows; open.length > 0; ) {
    const replies = await Promise.all(open.map(({ code, verifier }) => complete(service, code, verifier)))
    const refused = replies.filter(({ data }) => !data)
    for (const reply of refused) expect(codes(reply)).toEqual(['SERVICE_UNAVAILABLE'])
    expect(refused.length).toBeLessThan(open.length)
    ids.push(...replies.flatMap(({ data }) => data?.completeProviderSignIn.user?.id ?? []))
    open = open.filter((_, index) => !replies[index]?.data)
  }
  forgetLog()
  expect([new Set(ids).size, ids.length]).toEqual([1, 50])
  expect(await service.app.db.user.count({ where: { emailCanonical: person.email } })).toBe(1)
  expect(await service.app.db.identity.count({ where: { subject: person.sub } })).toBe(1)
})

test('a first sign-in beside a registration with a password makes one account, and the password does not sign in', async () => {
  for (let round = 0; round < 5; round++) {
    const flow = await returned()
    const { email } = flow.person
    const [registered, completed] = await Promise.all([
      register(service, { email }),
      complete(service, flow.code, flow.verifier),
    ])
    expect(['', 'EMAIL_TAKEN']).toContain(codes(registered).join())
    expect(codes(completed)).toEqual([])
    expect(await service.app.db.user.count({ where: { emailCanonical: email } })).toBe(1)
    expect(codes(await login(service, { identifier: email }))).toEqual(['INVALID_CREDENTIALS'])
  }
})

describe('the route of the callback', () => {
  test('reads forms, and /graphql still reads only JSON', async () => {
    const form = new URLSearchParams({ query: '{ authSettings { registrationOpen } }' })
    const response = await fetch(`${service.url}/graphql`, { method: 'POST', body: form })
    expect(response.status).toBe(415)
    const begun = await begin(service)
    const landing = await comeBack(service, corp.authorize(begun.url, newPerson()), { ...begun, post: true })
    expect(landing).toMatchObject({ status: 303, code: expect.any(String) })
  })

  test('refuses a large form', async () => {
    const response = await fetch(`${service.url}/sign-in/callback/corp`, {
      method: 'POST',
      body: new URLSearchParams({ state: 'x'.repeat(2_000_000) }),
    })
    expect(response.status).toBe(413)
  })

  test('tells no cache and no other site what address it was opened with', async () => {
    const begun = await begin(service)
    const { headers } = await comeBack(service, corp.authorize(begun.url, newPerson()), begun)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  test('shows the person no text of the provider', async () => {
    const markup = '<script>alert(1)</script>'
    corp.bend = {
      callback: parameters => {
        parameters.delete('code')
        parameters.set('error', markup)
        parameters.set('error_description', markup)
      },
    }
    const begun = await begin(service)
    const landing = await comeBack(service, corp.authorize(begun.url, newPerson()), begun)
    forgetLog()
    expect(landing.error).toBe('PROVIDER_FAILED')
    expect(`${landing.location} ${landing.text}`).not.toContain('alert')
    const unknown = await comeBack(
      service,
      `${service.url}/sign-in/callback/corp?state=${encodeURIComponent(markup)}`,
    )
    expect(unknown.text).not.toContain('<script>alert')
  })
})

test('the database has no state, code, verifier, nonce or token of a flow in plain text', async () => {
  const begun = await begin(service)
  const back = corp.authorize(begun.url, newPerson({ email: newAddress() }))
  const { code } = await comeBack(service, back, begun)
  const rows = await service.app.db.providerFlow.findMany()
  const stored = JSON.stringify(rows, (_, value) =>
    value?.type === 'Buffer' || value instanceof Uint8Array
      ? Buffer.from(value.data ?? value).toString('utf8')
      : value,
  )
  const secrets = [
    begun.verifier,
    begun.url.searchParams.get('state'),
    begun.url.searchParams.get('nonce'),
    back.searchParams.get('code'),
    code,
  ]
  for (const secret of secrets) expect(stored).not.toContain(secret)
})
