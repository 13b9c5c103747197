import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { prune } from '../../src/maintenance/prune.ts'
import { CookieJar } from '../support/cookie-jar.ts'
import { startFakeProvider } from '../support/fake-provider.ts'
import {
  begin,
  complete,
  land,
  providersOf,
  RETURN_TO,
  someone,
  useProviders,
} from '../support/provider-sign-in.ts'
import { codes, startService } from '../support/service.ts'

const { service, fake } = useProviders()

const denials = () =>
  service.app.db.auditEvent.findMany({ where: { action: 'session.denied' }, orderBy: { id: 'asc' } })

/** The audit events that `run` adds. */
async function refusals(run: () => Promise<unknown>) {
  const before = (await denials()).length
  await run()
  return (await denials()).slice(before).map(({ detail }) => detail)
}

test('a callback with an unknown state changes nothing, reaches no provider, and is on record once', async () => {
  const exchanges = fake.exchanges
  const back = new URL('http://localhost:4000/sign-in/callback/sure?code=x&state=unknown')
  const events = await refusals(async () => {
    const landing = await land(service, back)
    expect(landing).toMatchObject({ status: 400, to: undefined })
    expect(JSON.parse(landing.body)).toMatchObject({ errors: [{ extensions: { code: 'TOKEN_INVALID' } }] })
  })
  expect(events).toEqual([
    { provider: 'sure', code: 'TOKEN_INVALID', because: 'unknown, expired or used state' },
  ])
  expect(fake.exchanges).toBe(exchanges)
})

test('fifty callbacks with one state make one exchange and one code', async () => {
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  const exchanges = fake.exchanges
  const landings = await Promise.all(Array.from({ length: 50 }, () => land(service, back)))
  expect(landings.filter(({ code }) => code !== undefined)).toHaveLength(1)
  expect(fake.exchanges - exchanges).toBe(1)
})

test('a state expires', async () => {
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  service.clock.advance(901)
  expect(await land(service, back)).toMatchObject({ status: 400, code: undefined })
})

test('a used state stays used after old data has been pruned', async () => {
  const { url, verifier } = await begin(service)
  const back = fake.authorize(url, someone())
  const { code } = await land(service, back)
  expect(codes(await complete(service, { code: code ?? '', codeVerifier: verifier }))).toEqual([])
  service.clock.advance(800)
  await prune(service.app)
  const exchanges = fake.exchanges
  expect(await land(service, back)).toMatchObject({ status: 400, code: undefined })
  expect(fake.exchanges).toBe(exchanges)
})

test('a state counts only as this server spelled it', async () => {
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  const state = back.searchParams.get('state') ?? ''
  const exchanges = fake.exchanges
  const changed = (at: number) =>
    `${state.slice(0, at)}${state[at] === 'A' ? 'B' : 'A'}${state.slice(at + 1)}`
  const others = [
    `${state}=`,
    `${state}.`,
    `${state}A`,
    ` ${state}`,
    state.slice(0, -1),
    changed(0),
    changed(30),
  ]
  for (const other of [...others, changed(state.length - 2)]) {
    back.searchParams.set('state', other)
    expect(await land(service, back)).toMatchObject({ status: 400, code: undefined })
  }
  expect(fake.exchanges).toBe(exchanges)
  back.searchParams.set('state', state)
  expect((await land(service, back)).code).toEqual(expect.any(String))
})

test('a start of a stranger stores nothing', async () => {
  const flows = () => service.app.db.providerFlow.count()
  const before = await flows()
  await begin(service)
  expect(await flows()).toBe(before)
})

test.each(['BODY', 'COOKIE'] as const)(
  'a sign-in with a long address to return to has a short state, and ends as any other (%s)',
  async tokenTransport => {
    const returnTo = `${RETURN_TO}?next=${'x'.repeat(1500)}`
    const { url, verifier, cookie } = await begin(service, { returnTo, tokenTransport })
    expect(url.searchParams.get('state')?.length).toBeLessThanOrEqual(512)
    const back = fake.authorize(url, someone())
    const exchanges = fake.exchanges
    const landings = await Promise.all([1, 2, 3].map(() => land(service, back, { cookie })))
    const ended = landings.filter(({ code }) => code !== undefined)
    expect(ended).toHaveLength(1)
    expect(fake.exchanges - exchanges).toBe(1)
    expect(ended[0]?.to?.searchParams.get('next')).toBe('x'.repeat(1500))
    const input = { code: ended[0]?.code ?? '', codeVerifier: verifier }
    expect(codes(await complete(service, input))).toEqual([])
  },
)

test('one provider’s code at another’s callback is refused (mix-up), and the state is used up', async () => {
  const { url } = await begin(service, { provider: 'sure' })
  const back = fake.authorize(url, someone())
  const mixed = new URL(back)
  mixed.pathname = '/sign-in/callback/corp'
  const exchanges = fake.exchanges
  const events = await refusals(async () => {
    expect(await land(service, mixed)).toMatchObject({ status: 303, error: 'TOKEN_INVALID', code: undefined })
  })
  expect(events).toMatchObject([{ provider: 'corp', because: 'another provider’s callback' }])
  expect(fake.exchanges).toBe(exchanges)
  expect((await land(service, back)).code).toBeUndefined()
})

test('a person who refuses at the provider comes back with PROVIDER_DENIED', async () => {
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  back.searchParams.delete('code')
  back.searchParams.set('error', 'access_denied')
  const events = await refusals(async () => {
    const { status, to, error } = await land(service, back)
    expect([status, to?.href, error]).toEqual([
      303,
      `${RETURN_TO}?provider_error=PROVIDER_DENIED`,
      'PROVIDER_DENIED',
    ])
  })
  expect(events).toMatchObject([{ provider: 'sure', code: 'PROVIDER_DENIED' }])
})

test('what the provider says wrongly ends in PROVIDER_FAILED, with the failed check on record and in the log', async () => {
  fake.bend = { claims: claims => ({ ...claims, nonce: 'another' }) }
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  const events = await refusals(async () => {
    expect(await land(service, back)).toMatchObject({
      status: 303,
      error: 'PROVIDER_FAILED',
      code: undefined,
    })
  })
  expect(events).toMatchObject([
    { provider: 'sure', code: 'PROVIDER_FAILED', because: expect.stringContaining('nonce') },
  ])
  const [line = ''] = service.logged.splice(0)
  expect(line).toContain('a sign-in with a provider failed')
})

test('a sign-in that began in a browser with COOKIE does not end in another browser', async () => {
  const { url, cookie } = await begin(service, { tokenTransport: 'COOKIE' })
  expect(cookie).toMatch(/^authograph_flow_[0-9a-f]{12}=[\w-]{43}$/)
  const back = fake.authorize(url, someone())
  const exchanges = fake.exchanges
  const events = await refusals(async () => {
    expect(await land(service, back)).toMatchObject({ error: 'TOKEN_INVALID', code: undefined })
  })
  expect(events).toMatchObject([{ because: 'another browser' }])
  expect(fake.exchanges).toBe(exchanges)
})

test('with the cookie of the browser that began, it ends there', async () => {
  const { url, cookie, verifier } = await begin(service, { tokenTransport: 'COOKIE' })
  const { code } = await land(service, fake.authorize(url, someone()), { cookie })
  expect(codes(await complete(service, { code: code ?? '', codeVerifier: verifier }))).toEqual([])
})

test('two tabs that begin at the same moment both end, and each leaves no cookie behind', async () => {
  const jar = new CookieJar()
  const begun = await Promise.all(
    ['sure', 'corp'].map(provider => begin(service, { provider, tokenTransport: 'COOKIE' })),
  )
  for (const { reply } of begun) jar.keep(reply.headers)
  for (const { url, verifier } of begun) {
    const { code = '', headers } = await land(service, fake.authorize(url, someone()), {
      cookie: jar.header(),
    })
    jar.keep(headers)
    expect(codes(await complete(service, { code, codeVerifier: verifier }))).toEqual([])
  }
  expect(jar.header()).toBeUndefined()
})

test('the cookie of one sign-in does not stand for another', async () => {
  const [one, two] = [
    await begin(service, { tokenTransport: 'COOKIE' }),
    await begin(service, { tokenTransport: 'COOKIE' }),
  ]
  const cookie = `${one.cookie?.split('=')[0]}=${two.cookie?.split('=')[1]}; ${two.cookie}`
  expect(await land(service, fake.authorize(one.url, someone()), { cookie })).toMatchObject({
    error: 'TOKEN_INVALID',
    code: undefined,
  })
})

test('the cookie is for this host only, out of reach of scripts, and comes along when the provider leads back', async () => {
  const secure = await startService({
    settings: { ...providersOf(fake), PUBLIC_URL: 'https://auth.example.com' },
    clock: service.clock,
  })
  try {
    const returnTo = 'https://auth.example.com/'
    const { reply } = await begin(secure, { tokenTransport: 'COOKIE', returnTo })
    const [cookie] = reply.headers.getSetCookie()
    expect(cookie).toMatch(/^__Host-authograph_flow_[0-9a-f]{12}=[\w-]{43};/)
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/'])
      expect(cookie).toContain(attribute)
  } finally {
    await secure.close()
  }
})

test('the cookie comes along with the form that Apple posts from its own site, also after another tab began elsewhere', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const secure = await startService({
    settings: {
      ...fake.settings('corp'),
      PROVIDERS: 'apple,corp',
      PROVIDER_APPLE_CLIENT_ID: fake.clientId,
      PROVIDER_APPLE_TEAM_ID: 'ABCDE12345',
      PROVIDER_APPLE_KEY_ID: 'FGHIJ67890',
      PROVIDER_APPLE_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      PUBLIC_URL: 'https://auth.example.com',
    },
    clock: service.clock,
  })
  const apple = await startFakeProvider({ issuer: 'https://appleid.apple.com', clock: service.clock })
  const undo = apple.standIn('https://appleid.apple.com')
  try {
    const input = { tokenTransport: 'COOKIE', returnTo: 'https://auth.example.com/' } as const
    const { url, verifier, reply } = await begin(secure, { ...input, provider: 'apple' })
    const [cookie] = reply.headers.getSetCookie()
    for (const attribute of ['__Host-authograph_flow_', 'HttpOnly', 'Secure', 'SameSite=None'])
      expect(cookie).toContain(attribute)
    const jar = new CookieJar()
    jar.keep(reply.headers)
    const other = await begin(
      secure,
      { ...input, provider: 'corp' },
      { headers: { cookie: jar.header() ?? '', origin: 'https://auth.example.com' } },
    )
    jar.keep(other.reply.headers)
    const posted = { post: true, cookie: jar.header({ crossSitePost: true }) }
    const { code = '' } = await land(secure, apple.authorize(url, someone()), posted)
    expect(codes(await complete(secure, { code, codeVerifier: verifier }))).toEqual([])
    const back = fake.authorize(other.url, someone())
    expect((await land(secure, back, { cookie: jar.header() })).code).toBeDefined()
  } finally {
    undo()
    await apple.stop()
    await secure.close()
  }
})

test('a provider can post its answer as a form', async () => {
  const { url } = await begin(service)
  const landing = await land(service, fake.authorize(url, someone()), { post: true })
  expect(landing.status).toBe(303)
  expect(landing.code).toBeDefined()
})

test('/graphql takes JSON only', async () => {
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    body: new URLSearchParams({ query: '{ __typename }' }),
  })
  expect(response.status).toBe(415)
})

test('a HEAD request does not use up the state', async () => {
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  const head = await fetch(service.url + back.pathname + back.search, { method: 'HEAD', redirect: 'manual' })
  expect(head.status).toBe(404)
  expect((await land(service, back)).code).toBeDefined()
})

test('a repeated state is refused', async () => {
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  back.searchParams.append('state', 'another')
  expect(await land(service, back)).toMatchObject({ status: 400, code: undefined })
})

test('a forged Host changes no redirect_uri', async () => {
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
  const { url } = await begin(service, {}, { headers })
  expect(url.searchParams.get('redirect_uri')).toBe('http://localhost:4000/sign-in/callback/sure')
})

test('a flow that began on one replica ends on another', async () => {
  const replica = await startService({
    databaseUrl: service.app.config.database.url ?? '',
    clock: service.clock,
    settings: providersOf(fake),
  })
  try {
    const { url, verifier } = await begin(service)
    const { code } = await land(replica, fake.authorize(url, someone()))
    expect(codes(await complete(service, { code: code ?? '', codeVerifier: verifier }))).toEqual([])
  } finally {
    await replica.close()
  }
})

test('the answer of the callback is not cached and tells the next site nothing', async () => {
  const { url } = await begin(service)
  const back = fake.authorize(url, someone())
  const response = await fetch(service.url + back.pathname + back.search, { redirect: 'manual' })
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
})

test('the database has no state, nonce, verifier or code that could be replayed', async () => {
  const { url, verifier } = await begin(service)
  const { code } = await land(service, fake.authorize(url, someone()))
  const rows = JSON.stringify(await service.app.db.$queryRaw`SELECT f::text FROM provider_flows f`)
  const secrets = [url.searchParams.get('state'), url.searchParams.get('nonce'), verifier, code]
  for (const secret of secrets) {
    expect(secret).toMatch(/^[\w-]{43,512}$/)
    expect(rows).not.toContain(secret)
  }
})

test('neither the audit log nor the log has a secret of a sign-in', async () => {
  const person = someone()
  const { url, verifier } = await begin(service)
  const back = fake.authorize(url, person)
  const { code = '' } = await land(service, back)
  const reply = await complete(service, { code, codeVerifier: verifier })
  fake.bend = { claims: claims => ({ ...claims, nonce: 'another' }) }
  const failing = await begin(service)
  const failed = fake.authorize(failing.url, person)
  await land(service, failed)
  const payload = reply.data?.completeProviderSignIn
  if (payload?.__typename !== 'AuthPayload') throw new Error('not signed in')
  const lines = service.logged.splice(0)
  const written = JSON.stringify([await service.app.db.auditEvent.findMany(), lines])
  expect(written).toContain(payload.session.id)
  expect(lines).toHaveLength(1)
  const secrets = [url, failing.url].flatMap(({ searchParams }) =>
    ['state', 'nonce', 'code_challenge'].map(name => searchParams.get(name)),
  )
  const codesOfProvider = [back, failed].map(({ searchParams }) => searchParams.get('code'))
  const all = [...secrets, ...codesOfProvider, code, verifier, failing.verifier]
  for (const secret of [...all, payload.accessToken, payload.refreshToken, fake.clientSecret]) {
    expect(secret?.length).toBeGreaterThan(20)
    expect(written).not.toContain(secret)
  }
})

test('starts are limited for each network, also those of one moment', async () => {
  const limited = await startService({
    settings: { ...providersOf(fake), LIMIT_PROVIDER_NETWORK: '2/15m' },
    clock: service.clock,
  })
  try {
    const starts = await Promise.allSettled(Array.from({ length: 8 }, () => begin(limited)))
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    const events = { action: 'limit.hit' }
    expect(await limited.app.db.auditEvent.count({ where: events })).toBe(1)
    await expect(begin(limited)).rejects.toThrow('RATE_LIMITED')
  } finally {
    await limited.close()
  }
})

test('the metrics count sign-ins by provider and outcome', async () => {
  const { url, verifier } = await begin(service, { provider: 'verifying' })
  const { code } = await land(service, fake.authorize(url, someone()))
  await complete(service, { code: code ?? '', codeVerifier: verifier })
  const text = await (await fetch(`${service.url}/metrics`)).text()
  for (const outcome of ['started', 'registered', 'signed_in'])
    expect(text).toContain(`authograph_provider_sign_ins_total{provider="verifying",outcome="${outcome}"} 1`)
})
