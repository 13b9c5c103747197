import { afterAll, expect, test } from '@jest/globals'
import { startOidcProvider } from '../support/oidc-provider.ts'
import { Me } from '../support/operations.ts'
import { begin, comeBack, complete, type ProviderResult } from '../support/provider-browser.ts'
import { codes, useService } from '../support/service.ts'

/** oidc-provider keeps to the specifications, and has its own time. */
const provider = await startOidcProvider(['corp', 'shop'])
const { PROVIDERS: _, ...corp } = provider.settings('corp')
const { PROVIDERS: __, ...shop } = provider.settings('shop')
const service = useService({
  databaseTime: true,
  settings: { ...corp, ...shop, PROVIDERS: 'corp,shop', PROVIDER_CORP_EMAIL: 'verified' },
})
afterAll(() => provider.stop())

async function signIn(
  login: string,
  { browser = provider.newBrowser(), id = 'corp' } = {},
): Promise<ProviderResult> {
  const { url, verifier, cookie } = await begin(service, { provider: id, tokenTransport: 'COOKIE' })
  const { code, error } = await comeBack(service, await browser.authorize(url, login), { cookie })
  if (!code) throw new Error(`no code: ${error}`)
  const { data, errors } = await complete(service, code, verifier)
  if (!data) throw new Error(JSON.stringify(errors))
  return data.completeProviderSignIn
}

test('with a real OpenID provider, a new person gets an account, and comes back to it', async () => {
  const browser = provider.newBrowser()
  const first = await signIn('ada', { browser })
  expect(first).toMatchObject({
    __typename: 'AuthPayload',
    user: { email: 'ada@example.com', emailVerified: true, hasPassword: false, displayName: 'ada' },
    session: { strength: 'SINGLE', methods: ['PROVIDER'] },
  })
  const again = await signIn('ada', { browser })
  expect(again.user?.id).toBe(first.user?.id)
  expect(again.session?.id).not.toBe(first.session?.id)
  expect(again.user?.identities).toMatchObject([{ provider: 'corp', email: 'ada@example.com' }])
})

test('two people at it are two accounts', async () => {
  const [one, two] = [await signIn('grace'), await signIn('mary')]
  expect(one.user?.id).not.toBe(two.user?.id)
})

test('an address that it calls unverified creates no account', async () => {
  await provider.setClaims('eve', { email: 'ada@example.com', email_verified: false })
  expect(await signIn('eve')).toMatchObject({
    __typename: 'ProviderSignUpRequired',
    email: 'ada@example.com',
  })
})

test('one whose addresses are not relied on asks for an address', async () => {
  expect(await signIn('joan', { id: 'shop' })).toMatchObject({
    __typename: 'ProviderSignUpRequired',
    email: 'joan@example.com',
    provider: 'shop',
  })
})

test('a person who refuses there returns with PROVIDER_DENIED', async () => {
  const { url, cookie } = await begin(service, { tokenTransport: 'COOKIE' })
  const back = await provider.newBrowser().refuse(url)
  expect(await comeBack(service, back, { cookie })).toMatchObject({ error: 'PROVIDER_DENIED', code: null })
})

test('its code cannot be exchanged twice, nor by a client with another verifier', async () => {
  const { url, verifier, cookie } = await begin(service, { tokenTransport: 'COOKIE' })
  const back = await provider.newBrowser().authorize(url, 'kay')
  const { code } = await comeBack(service, back, { cookie })
  expect((await comeBack(service, back, { cookie })).code).toBeNull()
  expect(codes(await complete(service, code, `${verifier.slice(1)}x`))).toEqual(['TOKEN_INVALID'])
  expect(codes(await complete(service, code, verifier))).toEqual([])
})

test('signing out there ends the sessions that it started here, and no others', async () => {
  await provider.setBackchannelLogoutUri(`${service.url}/sign-in/backchannel-logout/corp`)
  const [browser, other] = [provider.newBrowser(), provider.newBrowser()]
  const ended = await signIn('annie', { browser })
  const elsewhere = await signIn('annie', { browser: other })
  const someone = await signIn('hedy')
  await browser.signOut()
  const me = async ({ accessToken }: ProviderResult) =>
    codes(await service.send(Me, {}, { token: accessToken }))
  expect(await me(ended)).toEqual(['UNAUTHENTICATED'])
  expect([await me(elsewhere), await me(someone)]).toEqual([[], []])
})
