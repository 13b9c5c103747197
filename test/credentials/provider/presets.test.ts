import { createHmac, generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import jwt from 'jsonwebtoken'
import { authorizationUrl } from '../../../src/credentials/provider/authorize.ts'
import { exchangeCode } from '../../../src/credentials/provider/exchange.ts'
import { redirectUriOf } from '../../../src/credentials/provider/provider.ts'
import { type FakeOptions, type FakeProvider, startFakeProvider } from '../../support/fake-provider.ts'
import { FLOW, type ProtocolApp, protocolApp, refusalOf, signInAt } from '../../support/provider-app.ts'

let undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.reverse()) await one()
  undo = []
})

/** A stand-in for a provider at its real addresses. */
async function standIn(issuer: string, origins: string[], options: FakeOptions = {}): Promise<FakeProvider> {
  const fake = await startFakeProvider({ ...options, issuer })
  undo.push(() => fake.stop())
  undo.push(fake.standIn(new URL(issuer).origin, ...origins))
  return fake
}

function offering(id: string, more: Record<string, string> = {}): ProtocolApp {
  const prefix = `PROVIDER_${id.toUpperCase()}_`
  return protocolApp({
    PROVIDERS: id,
    [`${prefix}CLIENT_ID`]: 'authograph',
    ...(id !== 'apple' && { [`${prefix}CLIENT_SECRET`]: 'a client secret that only the tests know' }),
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [prefix + name, value])),
  })
}

const start = ({ app, provider }: ProtocolApp, prompt?: 'login' | 'select_account') =>
  authorizationUrl(app, provider, {
    ...FLOW,
    redirectUri: redirectUriOf(app, provider),
    loginHint: 'ada@example.com',
    prompt,
  })

describe('Google', () => {
  const google = () => standIn('https://accounts.google.com', [])

  test.each([
    [
      'of a Workspace',
      { email: 'ada@corp.example', email_verified: true, hd: 'corp.example' },
      'authoritative',
    ],
    ['of Gmail', { email: 'Ada@Gmail.com', email_verified: true }, 'authoritative'],
    ['of another mailbox', { email: 'ada@example.com', email_verified: true }, 'verified'],
    ['that ends like Gmail’s', { email: 'ada@notgmail.com', email_verified: true }, 'verified'],
    ['of Gmail, not verified', { email: 'ada@gmail.com', email_verified: false }, 'never'],
    [
      'of a Workspace, not verified',
      { email: 'ada@corp.example', email_verified: false, hd: 'corp.example' },
      'never',
    ],
    ['without a word on verification', { email: 'ada@gmail.com' }, 'never'],
  ])('an address %s is relied on as it should be', async (_what, claims, emailTrust) => {
    const fake = await google()
    expect(await signInAt(offering('google'), fake, { sub: '1', ...claims })).toMatchObject({
      issuer: 'https://accounts.google.com',
      subject: '1',
      emailTrust,
    })
  })

  test('PROVIDER_GOOGLE_EMAIL=never overrides the rule', async () => {
    const fake = await google()
    const app = offering('google', { EMAIL: 'never' })
    const profile = await signInAt(app, fake, { sub: '1', email: 'ada@gmail.com', email_verified: true })
    expect(profile).toMatchObject({ email: 'ada@gmail.com', emailTrust: 'never' })
  })

  test('the page asks for the account with the given address, and to choose one for a fresh sign-in', async () => {
    await google()
    const url = await start(offering('google'), 'login')
    expect(url.searchParams.get('login_hint')).toBe('ada@example.com')
    expect(url.searchParams.get('prompt')).toBe('select_account')
  })
})

describe('Apple', () => {
  const keys = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const settings = { TEAM_ID: 'ABCDE12345', KEY_ID: 'KEY1234567', PRIVATE_KEY: keys.privateKey }
  const apple = () => standIn('https://appleid.apple.com', [])

  test('it answers with a form, and takes no address', async () => {
    await apple()
    const url = await start(offering('apple', settings))
    expect(url.searchParams.get('response_mode')).toBe('form_post')
    expect(url.searchParams.get('scope')).toBe('name email')
    expect(url.href).not.toContain('ada%40')
  })

  test('the client secret is a JWT of the team’s key, made for the request', async () => {
    const fake = await apple()
    const app = offering('apple', settings)
    await signInAt(app, fake, { sub: '1' })
    const [request] = fake.requests.filter(({ path }) => path === '/token')
    const secret = request?.form.get('client_secret') ?? ''
    const { header, payload } = jwt.verify(secret, keys.publicKey, { algorithms: ['ES256'], complete: true })
    expect(header).toMatchObject({ alg: 'ES256', kid: 'KEY1234567' })
    const { iat, exp, ...claims } = payload as jwt.JwtPayload
    expect(claims).toEqual({ iss: 'ABCDE12345', sub: 'authograph', aud: 'https://appleid.apple.com' })
    expect(Number(exp) - Number(iat)).toBeLessThanOrEqual(600)
  })

  test.each([
    ['the private relay', 'x@privaterelay.appleid.com', 'true', 'authoritative'],
    ['iCloud', 'ada@iCloud.com', true, 'authoritative'],
    ['another mailbox', 'ada@example.com', 'true', 'verified'],
    ['another mailbox, not verified', 'ada@example.com', 'false', 'never'],
  ])('an address of %s is relied on as it should be', async (_what, email, email_verified, emailTrust) => {
    const fake = await apple()
    const profile = await signInAt(offering('apple', settings), fake, { sub: '1', email, email_verified })
    expect(profile.emailTrust).toBe(emailTrust)
  })

  test('the name is the one that the form has, but its address is not', async () => {
    const fake = await apple()
    const user = { name: { firstName: 'Ada', lastName: 'Lovelace' }, email: 'victim@icloud.com' }
    fake.bend.callback = params => params.set('user', JSON.stringify(user))
    expect(await signInAt(offering('apple', settings), fake, { sub: '1' })).toMatchObject({
      displayName: 'Ada Lovelace',
      email: null,
      emailTrust: 'never',
    })
  })

  test('a broken name breaks nothing', async () => {
    const fake = await apple()
    fake.bend.callback = params => params.set('user', '{"name":')
    expect(await signInAt(offering('apple', settings), fake, { sub: '1' })).toMatchObject({
      displayName: null,
    })
  })
})

describe('Microsoft', () => {
  const HOST = 'https://login.microsoftonline.com'
  const OURS = '11111111-2222-3333-4444-555555555555'
  const OTHERS = '99999999-2222-3333-4444-555555555555'
  const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad'

  async function microsoft(tid: string, template = '{tenantid}', more = {}) {
    const fake = await standIn(HOST, [])
    fake.bend = {
      metadata: metadata => ({ ...metadata, issuer: `${HOST}/${template}/v2.0` }),
      claims: claims => ({ ...claims, iss: `${HOST}/${tid}/v2.0`, tid, ...more }),
      // It does not name its issuer there.
      callback: params => params.delete('iss'),
    }
    const { metadata } = fake.bend
    fake.bend.metadata = correct => ({
      ...metadata?.(correct),
      authorization_response_iss_parameter_supported: undefined,
    })
    return fake
  }
  const ada = { sub: 'pairwise', email: 'ada@corp.example', name: 'Ada' }

  test('each tenant is an issuer of its own', async () => {
    const fake = await microsoft(OURS)
    const profile = await signInAt(offering('microsoft'), fake, ada)
    expect(profile).toMatchObject({ issuer: `${HOST}/${OURS}/v2.0`, subject: 'pairwise' })
    expect(fake.requests[0]?.path).toBe('/common/v2.0/.well-known/openid-configuration')
  })

  test.each([undefined, false, 0, '0', 'false'])(
    'an address with xms_edov %j is not relied on',
    async xms_edov => {
      const fake = await microsoft(OURS, '{tenantid}', { xms_edov, email_verified: true })
      expect(await signInAt(offering('microsoft'), fake, ada)).toMatchObject({ emailTrust: 'never' })
    },
  )

  test.each([true, 1, '1', 'true'])('an address with xms_edov %j is authoritative', async xms_edov => {
    const fake = await microsoft(OURS, '{tenantid}', { xms_edov })
    expect(await signInAt(offering('microsoft'), fake, ada)).toMatchObject({ emailTrust: 'authoritative' })
  })

  test.each([
    ['one tenant', OURS, OURS, OTHERS],
    ['several tenants', `${OURS},${PERSONAL}`, '{tenantid}', OTHERS],
    ['organizations', 'organizations', '{tenantid}', PERSONAL],
  ])('with %s, an account of another tenant is refused', async (_what, TENANTS, template, tid) => {
    const fake = await microsoft(tid, template)
    const attempt = signInAt(offering('microsoft', { TENANTS }), fake, ada)
    expect(await refusalOf(attempt)).toMatch(/^PROVIDER_FAILED: (tenant|claim iss)$/)
  })

  test('with one tenant, its accounts sign in at its own address', async () => {
    const fake = await microsoft(OURS, OURS)
    const profile = await signInAt(offering('microsoft', { TENANTS: OURS }), fake, ada)
    expect(profile.issuer).toBe(`${HOST}/${OURS}/v2.0`)
    expect(fake.requests[0]?.path).toBe(`/${OURS}/v2.0/.well-known/openid-configuration`)
  })

  test('a token whose tenant and issuer differ is refused', async () => {
    const fake = await microsoft(OURS)
    fake.bend.claims = claims => ({ ...claims, iss: `${HOST}/${OURS}/v2.0`, tid: OTHERS })
    expect(await refusalOf(signInAt(offering('microsoft'), fake, ada))).toBe('PROVIDER_FAILED: claim iss')
  })
})

describe('GitHub', () => {
  async function github(user: Record<string, unknown> = {}, emails?: unknown) {
    const fake = await standIn('https://github.com', ['https://api.github.com'])
    fake.bend.callback = params => params.set('iss', 'https://github.com/login/oauth')
    fake.bend.tokens = ({ id_token: _, expires_in: __, ...tokens }) => ({
      ...tokens,
      scope: 'read:user,user:email',
    })
    fake.api['/user'] = () => ({
      id: 583231,
      login: 'octocat',
      name: null,
      email: 'public@example.com',
      ...user,
    })
    if (emails) fake.api['/user/emails'] = () => emails
    return fake
  }
  const primary = { email: 'ada@example.com', primary: true, verified: true }

  test('the number of the account and its verified primary address count', async () => {
    const other = { email: 'other@example.com', primary: false, verified: true }
    const fake = await github({}, [other, primary])
    expect(await signInAt(offering('github'), fake)).toMatchObject({
      issuer: 'https://github.com',
      subject: '583231',
      email: 'ada@example.com',
      emailTrust: 'verified',
      displayName: 'octocat',
    })
    expect(fake.requests[0]?.path).toBe('/login/oauth/access_token')
    expect(fake.requests.every(({ headers }) => headers['user-agent'] === 'authograph')).toBe(true)
  })

  test('an unverified primary address is not relied on', async () => {
    const fake = await github({}, [
      { ...primary, verified: false },
      { email: 'b@x.com', verified: true, primary: false },
    ])
    expect(await signInAt(offering('github'), fake)).toMatchObject({
      email: 'ada@example.com',
      emailTrust: 'never',
    })
  })

  test('without the scope for addresses there is no address, and the public one is not taken for it', async () => {
    const fake = await github()
    expect(await signInAt(offering('github'), fake)).toMatchObject({ email: null, emailTrust: 'never' })
  })

  test('a callback that names another issuer is refused', async () => {
    const fake = await github()
    fake.bend.callback = params => params.set('iss', 'https://evil.example')
    expect(await refusalOf(signInAt(offering('github'), fake))).toBe(
      'PROVIDER_FAILED: issuer of the response',
    )
  })

  test('an error that comes with status 200 is a failure', async () => {
    const fake = await github()
    fake.bend.tokens = () => ({ error: 'bad_verification_code' })
    expect(await refusalOf(signInAt(offering('github'), fake))).toBe('PROVIDER_FAILED: token endpoint')
  })

  test.each([undefined, null, '583231', {}])('an account whose number is %j is refused', async id => {
    const fake = await github({ id }, [primary])
    expect(await refusalOf(signInAt(offering('github'), fake))).toBe('PROVIDER_FAILED: claim sub')
  })

  test('the page shows the given account, and asks which one for a fresh sign-in', async () => {
    const url = await start(offering('github'), 'login')
    expect(url.origin + url.pathname).toBe('https://github.com/login/oauth/authorize')
    expect(url.searchParams.get('login')).toBe('ada@example.com')
    expect(url.searchParams.get('prompt')).toBe('select_account')
    expect(url.searchParams.get('code_challenge_method')).toBe('S256')
  })

  test('a GitHub Enterprise Server has its own API and is its own issuer', async () => {
    const fake = await standIn('https://ghe.example.com', [])
    fake.bend.callback = params => params.delete('iss')
    fake.bend.tokens = ({ id_token: _, ...tokens }) => tokens
    fake.api['/api/v3/user'] = () => ({ id: 7, login: 'ada' })
    const app = offering('github', { ISSUER: 'https://ghe.example.com' })
    expect(await signInAt(app, fake)).toMatchObject({ issuer: 'https://ghe.example.com', subject: '7' })
  })
})

describe('GitLab', () => {
  /** It names no issuer in the callback, has the address in the ID token, and the name at its user info only. */
  async function gitlab(issuer: string) {
    const fake = await standIn(issuer, [])
    fake.bend = {
      callback: params => params.delete('iss'),
      metadata: ({ authorization_response_iss_parameter_supported: _, ...metadata }) => ({
        ...metadata,
        userinfo_endpoint: `${issuer}/oauth/userinfo`,
      }),
      claims: ({ name: _, ...claims }) => ({
        ...claims,
        sub_legacy: 'a'.repeat(64),
        groups_direct: ['admins'],
      }),
    }
    fake.api['/oauth/userinfo'] = person => ({ ...person, nickname: 'ada', groups: ['admins'] })
    return fake
  }
  const ada = { sub: '42', name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true }

  test('its number is the person, its user info has the name, and its addresses are not relied on', async () => {
    const fake = await gitlab('https://gitlab.com')
    expect(await signInAt(offering('gitlab'), fake, ada)).toMatchObject({
      issuer: 'https://gitlab.com',
      subject: '42',
      email: 'ada@example.com',
      emailTrust: 'never',
      displayName: 'Ada Lovelace',
    })
  })

  test('one of your own is another issuer, and you can rely on its addresses, if it calls them verified', async () => {
    const issuer = 'https://gitlab.example.com'
    const own = offering('gitlab', { ISSUER: issuer, EMAIL: 'verified' })
    const fake = await gitlab(issuer)
    const profile = await signInAt(own, fake, ada)
    expect(profile).toMatchObject({ issuer, subject: '42', emailTrust: 'verified' })
    const unconfirmed = await signInAt(own, fake, { ...ada, email_verified: false })
    expect(unconfirmed.emailTrust).toBe('never')
  })

  test('user info about another person is refused', async () => {
    const fake = await gitlab('https://gitlab.com')
    fake.api['/oauth/userinfo'] = person => ({ ...person, sub: '43' })
    expect(await refusalOf(signInAt(offering('gitlab'), fake, ada))).toBe('PROVIDER_FAILED: user info')
  })
})

describe('Discord', () => {
  async function discord(user: Record<string, unknown>) {
    const fake = await standIn('https://discord.com', [])
    fake.bend.callback = params => params.delete('iss')
    fake.bend.tokens = ({ id_token: _, ...tokens }) => tokens
    fake.api['/api/users/@me'] = () => ({ id: '80351110224678912', username: 'ada', ...user })
    return fake
  }

  test.each([
    [true, 'verified'],
    [false, 'never'],
    [undefined, 'never'],
  ])('an address whose verification is %j is relied on as it should be', async (verified, emailTrust) => {
    const fake = await discord({ email: 'ada@example.com', verified, global_name: 'Ada' })
    expect(await signInAt(offering('discord'), fake)).toMatchObject({
      issuer: 'https://discord.com',
      subject: '80351110224678912',
      email: 'ada@example.com',
      emailTrust,
      displayName: 'Ada',
    })
  })
})

describe('Facebook', () => {
  async function facebook() {
    const fake = await standIn('https://www.facebook.com', ['https://graph.facebook.com'])
    fake.bend.callback = params => params.delete('iss')
    fake.bend.tokens = ({ id_token: _, ...tokens }) => tokens
    fake.api['/me'] = () => ({ id: '10', name: 'Ada', email: 'ada@example.com' })
    return fake
  }

  test('its API proves the person, and the address is not relied on', async () => {
    const fake = await facebook()
    expect(await signInAt(offering('facebook'), fake)).toMatchObject({
      issuer: 'https://www.facebook.com',
      subject: '10',
      email: 'ada@example.com',
      emailTrust: 'never',
      displayName: 'Ada',
    })
  })

  test('requests to the API prove that they come from the app’s server', async () => {
    const fake = await facebook()
    await signInAt(offering('facebook'), fake)
    const request = fake.requests.find(({ path }) => path.startsWith('/me'))
    const token = request?.headers.authorization?.replace('Bearer ', '') ?? ''
    const proof = createHmac('sha256', fake.clientSecret).update(token).digest('hex')
    expect(request?.path).toContain(`appsecret_proof=${proof}`)
  })

  test('scopes are separated by commas', async () => {
    const url = await start(offering('facebook'))
    expect(url.searchParams.get('scope')).toBe('public_profile,email')
  })
})

describe('Kakao', () => {
  async function kakao(account: Record<string, unknown>, id: number | string = 4242) {
    const fake = await standIn('https://kauth.kakao.com', ['https://kapi.kakao.com'])
    fake.bend.metadata = metadata => ({
      ...metadata,
      authorization_response_iss_parameter_supported: undefined,
    })
    fake.bend.callback = params => params.delete('iss')
    fake.api['/v2/user/me'] = () => ({ id, kakao_account: account })
    return fake
  }
  const ada = { sub: '4242', nickname: '에이다', email: 'ada@example.com' }

  test.each([
    [true, true, 'verified'],
    [false, true, 'never'],
    [true, false, 'never'],
    [undefined, undefined, 'never'],
  ])(
    'an address that is valid (%j) and verified (%j) is relied on as it should be',
    async (is_email_valid, is_email_verified, emailTrust) => {
      const fake = await kakao({ email: 'ada@example.com', is_email_valid, is_email_verified })
      expect(await signInAt(offering('kakao'), fake, ada)).toMatchObject({
        issuer: 'https://kauth.kakao.com',
        subject: '4242',
        email: 'ada@example.com',
        emailTrust,
        displayName: '에이다',
      })
    },
  )

  test('an answer of its API about another person is refused', async () => {
    const fake = await kakao({ email: 'v@example.com', is_email_valid: true, is_email_verified: true }, 1)
    expect(await refusalOf(signInAt(offering('kakao'), fake, ada))).toBe('PROVIDER_FAILED: user info')
  })
})

describe('Naver', () => {
  async function naver(answer: Record<string, unknown>) {
    const fake = await standIn('https://nid.naver.com', ['https://openapi.naver.com'])
    fake.bend.callback = params => params.delete('iss')
    // Its numbers are text.
    fake.bend.tokens = ({ id_token: _, ...tokens }) => ({
      ...tokens,
      token_type: 'bearer',
      expires_in: '3600',
    })
    fake.api['/v1/nid/me'] = () => answer
    return fake
  }
  const response = { id: 'opaque', email: 'ada@example.com', name: '에이다' }

  test('its API proves the person, the address is not relied on, and the token request repeats the state', async () => {
    const fake = await naver({ resultcode: '00', message: 'success', response })
    expect(await signInAt(offering('naver'), fake)).toMatchObject({
      issuer: 'https://nid.naver.com',
      subject: 'opaque',
      email: 'ada@example.com',
      emailTrust: 'never',
      displayName: '에이다',
    })
    expect(fake.requests[0]?.form.get('state')).toBe(FLOW.state)
  })

  test('an answer that is an error proves no one', async () => {
    const fake = await naver({ resultcode: '024', message: 'Authentication failed', response })
    expect(await refusalOf(signInAt(offering('naver'), fake))).toBe('PROVIDER_FAILED: claim sub')
  })
})

describe('LINE', () => {
  const issuer = 'https://access.line.me'
  const ada = { sub: 'U1234', name: 'Ada', email: 'ada@example.com' }

  test('it is asked to sign with a key of its key set, and its addresses are not relied on', async () => {
    const fake = await standIn(issuer, [], { alg: 'ES256' })
    const profile = await signInAt(offering('line'), fake, ada)
    expect(profile).toMatchObject({ issuer, subject: 'U1234', email: 'ada@example.com', emailTrust: 'never' })
    const request = fake.requests.find(({ path }) => path === '/token')
    expect(request?.form.get('id_token_key_type')).toBe('JWK')
  })

  test('a token that it signs with the channel’s secret nevertheless is refused', async () => {
    const fake = await standIn(issuer, [], { alg: 'ES256' })
    fake.bend.sign = claims => jwt.sign(claims, fake.clientSecret, { algorithm: 'HS256' })
    expect(await refusalOf(signInAt(offering('line'), fake, ada))).toBe('PROVIDER_FAILED: algorithm')
  })
})

test('the same subject at another provider is another identity', async () => {
  const one = await startFakeProvider()
  const other = await startFakeProvider()
  undo.push(
    () => one.stop(),
    () => other.stop(),
  )
  const [here, there] = [
    await signInAt(protocolApp(one.settings()), one),
    await signInAt(protocolApp(other.settings('other')), other),
  ]
  expect(here.subject).toBe(there.subject)
  expect(here.issuer).not.toBe(there.issuer)
})

test('the redirect address is that of PUBLIC_URL, in both requests', async () => {
  const fake = await startFakeProvider()
  undo.push(() => fake.stop())
  const { app, provider } = protocolApp({ ...fake.settings(), PUBLIC_URL: 'https://auth.example.com/sso' })
  const redirectUri = redirectUriOf(app, provider)
  expect(redirectUri).toBe('https://auth.example.com/sso/sign-in/callback/corp')
  const back = fake.authorize(await authorizationUrl(app, provider, { ...FLOW, redirectUri }))
  await exchangeCode(app, provider, back.searchParams, { ...FLOW, redirectUri })
  const exchange = fake.requests.find(({ path }) => path === '/token')
  expect(exchange?.form.get('redirect_uri')).toBe(redirectUri)
})
