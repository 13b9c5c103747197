import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { createAuthClient, type FlowStorage } from '../../src/client/index.ts'

const AT_PROVIDER = 'https://id.example.com/authorize?state=1'
const RETURN_TO = 'https://app.example.com/back'
const WITH_CODE = `${RETURN_TO}?provider_code=the-code`
const EXPIRES_AT = '2026-11-21T10:00:00.000Z'
const user = { id: '1', email: 'ada@example.com', roles: [], permissions: [] }
const payload = {
  __typename: 'AuthPayload',
  accessToken: 'an access token',
  refreshToken: 'a refresh token',
  deviceToken: 'a device token',
  passkeySuggestion: 'NONE',
  session: { id: 's' },
  user,
}
const identity = { id: 'i', provider: 'corp', email: 'ada@corp.example', displayName: null }
const redirect = { url: AT_PROVIDER, expiresAt: EXPIRES_AT }

type Input = Record<string, unknown> & { codeVerifier?: string }
type Sent = { operation: string; variables: { input?: Input }; input: Input; token: string | null }

/** What a server would answer, by operation, unless a test says otherwise. */
const ANSWERS: Record<string, unknown> = {
  StartProviderSignIn: { startProviderSignIn: redirect },
  StartProviderLink: { startProviderLink: redirect },
  StartProviderReauthentication: { startProviderReauthentication: redirect },
  CompleteProviderSignIn: { completeProviderSignIn: payload },
  CompleteProviderLink: { completeProviderLink: identity },
  CompleteProviderReauthentication: {
    completeProviderReauthentication: { id: 's', authenticatedAt: EXPIRES_AT },
  },
  SignInWithIdToken: { signInWithIdToken: payload },
  CompleteProviderSignUp: { completeProviderSignUp: payload },
}

let nonces = 0

/** A client of a server that gives these answers, and what it has sent. */
function opened(answers: Record<string, unknown> = {}) {
  const sent: Sent[] = []
  const client = createAuthClient({
    url: 'https://auth.example.com/graphql',
    transport: 'body',
    fetch: async (_url, init) => {
      const { query, variables } = JSON.parse(String(init?.body)) as {
        query: string
        variables: { input?: Input }
      }
      const operation = /(?:query|mutation) (\w+)/.exec(query)?.[1] ?? ''
      const token = new Headers(init?.headers).get('authorization')
      sent.push({ operation, variables, input: variables.input ?? {}, token })
      const data =
        operation === 'CreateProviderNonce'
          ? { createProviderNonce: { nonce: `nonce ${++nonces}`, expiresAt: EXPIRES_AT } }
          : { ...ANSWERS, ...answers }[operation]
      if (typeof data === 'function') data()
      return new Response(JSON.stringify({ data: typeof data === 'function' ? ANSWERS[operation] : data }), {
        headers: { 'content-type': 'application/json' },
      })
    },
  })
  return { client, sent, of: (operation: string) => sent.filter(each => each.operation === operation) }
}

/** A browser in an app that comes back to this address. */
const back = (url: string | null) => async () => url

let kept: string | null = null
const storage: FlowStorage = {
  get: async () => kept,
  set: async text => {
    kept = text
  },
  remove: async () => {
    kept = null
  },
}
beforeEach(() => {
  kept = null
})

/** A flow whose browser is at the provider, as a page leaves it behind. */
async function leave(client: ReturnType<typeof opened>['client']): Promise<void> {
  const stay = () => new Promise<null>(() => {})
  void client.providers.signIn('corp', { returnTo: RETURN_TO, storage, open: stay })
  while (kept === null) await new Promise(resolve => setImmediate(resolve))
}

describe('providers.signIn', () => {
  test('sends the verifier only with the code, and before that its S256 challenge', async () => {
    const { client, of } = opened()
    const result = await client.providers.signIn('corp', { returnTo: RETURN_TO, open: back(WITH_CODE) })
    expect(result).toMatchObject({ status: 'signedIn', user: { email: 'ada@example.com' } })
    const [start] = of('StartProviderSignIn')
    const [complete] = of('CompleteProviderSignIn')
    const verifier = complete?.input.codeVerifier ?? ''
    expect(complete?.input.code).toBe('the-code')
    expect(verifier).toMatch(/^[\w.~-]{43,128}$/)
    expect(start?.input.codeChallenge).toBe(createHash('sha256').update(verifier).digest('base64url'))
    expect(JSON.stringify(start)).not.toContain(verifier)
    expect(client.state).toMatchObject({ status: 'signedIn' })
  })

  test('uses another verifier each time, and keeps none of them afterwards', async () => {
    const { client, of } = opened()
    for (let time = 0; time < 3; time++)
      await client.providers.signIn('corp', { returnTo: RETURN_TO, storage, open: back(WITH_CODE) })
    const verifiers = of('CompleteProviderSignIn').map(({ input }) => input.codeVerifier)
    expect(new Set(verifiers).size).toBe(3)
    expect(kept).toBeNull()
  })

  test('works with the randomness and the digest of a platform without Web Crypto', async () => {
    const { client, of } = opened()
    const crypto = {
      randomBytes: (count: number) => new Uint8Array(count).fill(7),
      sha256: async (text: string) => createHash('sha256').update(text).digest('base64'),
    }
    await client.providers.signIn('corp', { returnTo: RETURN_TO, crypto, open: back(WITH_CODE) })
    const verifier = '07'.repeat(32)
    expect(of('CompleteProviderSignIn')[0]?.input.codeVerifier).toBe(verifier)
    expect(of('StartProviderSignIn')[0]?.input.codeChallenge).toBe(
      createHash('sha256').update(verifier).digest('base64url'),
    )
  })

  test('says that the person closed the browser, and signs no one in', async () => {
    const { client, of } = opened()
    await expect(
      client.providers.signIn('corp', { returnTo: RETURN_TO, storage, open: back(null) }),
    ).rejects.toMatchObject({ name: 'ProviderCancelled' })
    expect(of('CompleteProviderSignIn')).toEqual([])
    expect(kept).toBeNull()
  })

  test('rejects with the code that the callback gives', async () => {
    const { client, of } = opened()
    const open = back(`${RETURN_TO}?provider_error=PROVIDER_DENIED`)
    await expect(client.providers.signIn('corp', { returnTo: RETURN_TO, open })).rejects.toMatchObject({
      name: 'AuthError',
      code: 'PROVIDER_DENIED',
    })
    expect(of('CompleteProviderSignIn')).toEqual([])
  })

  test('is the same device as with other ways to sign in', async () => {
    const { client, of } = opened()
    const signIn = () => client.providers.signIn('corp', { returnTo: RETURN_TO, open: back(WITH_CODE) })
    await signIn()
    await signIn()
    const devices = of('CompleteProviderSignIn').map(({ input }) => input.deviceToken)
    expect(devices).toEqual([undefined, 'a device token'])
  })

  test.each([
    [
      { __typename: 'ProviderSignUpRequired', ticket: 't', provider: 'corp', suggestedEmail: null },
      { status: 'providerSignUp', ticket: 't', provider: 'corp', email: null },
    ],
    [
      { __typename: 'ProviderLinkRequired', ticket: 't', provider: 'corp', email: 'ada@example.com' },
      { status: 'providerLink', ticket: 't', provider: 'corp', email: 'ada@example.com' },
    ],
    [
      { __typename: 'SecondFactorRequired', ticket: 't', methods: ['TOTP'] },
      { status: 'secondFactor', ticket: 't', methods: ['TOTP'] },
    ],
  ])('says what comes next: %#', async (answer, expected) => {
    const { client } = opened({ CompleteProviderSignIn: { completeProviderSignIn: answer } })
    const result = await client.providers.signIn('corp', { returnTo: RETURN_TO, open: back(WITH_CODE) })
    expect(result).toEqual(expect.objectContaining(expected))
    expect(client.state.status).not.toBe('signedIn')
  })
})

describe('providers.handleReturn', () => {
  test('completes what began before the browser left, once, although it is called twice', async () => {
    const before = opened()
    await leave(before.client)
    // The page is loaded anew.
    const { client, of } = opened()
    const given = { url: WITH_CODE, storage }
    const both = await Promise.all([
      client.providers.handleReturn(given),
      client.providers.handleReturn(given),
    ])
    expect(both).toEqual([both[0], both[0]])
    expect(both[0]).toMatchObject({ purpose: 'signIn', result: { status: 'signedIn' } })
    expect(of('CompleteProviderSignIn')).toHaveLength(1)
    expect(await client.providers.handleReturn({ url: RETURN_TO, storage })).toBeNull()
  })

  test('can be called again when the answer is lost, and after a reload of the page', async () => {
    await leave(opened().client)
    const lost = () => {
      throw new TypeError('fetch failed')
    }
    const { client } = opened({ CompleteProviderSignIn: lost })
    await expect(client.providers.handleReturn({ url: WITH_CODE, storage })).rejects.toMatchObject({
      name: 'NetworkError',
    })
    const reloaded = opened()
    // The code has left the address bar.
    expect(await reloaded.client.providers.handleReturn({ url: RETURN_TO, storage })).toMatchObject({
      result: { status: 'signedIn' },
    })
  })

  test('refuses a code that another browser began, without a request', async () => {
    const { client, sent } = opened()
    await expect(client.providers.handleReturn({ url: WITH_CODE, storage })).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    })
    expect(sent).toEqual([])
  })

  test('resolves to null on a page that no provider led to', async () => {
    const { client, sent } = opened()
    expect(await client.providers.handleReturn({ url: RETURN_TO, storage })).toBeNull()
    expect(sent).toEqual([])
  })

  test('forgets the flow when the provider refuses', async () => {
    const { client } = opened()
    await leave(client)
    const url = `${RETURN_TO}?x=1&provider_error=PROVIDER_FAILED#top`
    await expect(client.providers.handleReturn({ url, storage })).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
    })
    expect(kept).toBeNull()
  })
})

test('logoutUrl asks for the signed-in user where to sign out of the provider', async () => {
  const providerLogoutUrl = 'https://id.example.com/logout'
  const { client, of } = opened({ ProviderLogoutUrl: { providerLogoutUrl } })
  await client.providers.signIn('corp', { returnTo: RETURN_TO, open: back(WITH_CODE) })
  expect(await client.providers.logoutUrl(RETURN_TO)).toBe(providerLogoutUrl)
  expect(of('ProviderLogoutUrl')).toMatchObject([
    { variables: { returnTo: RETURN_TO }, token: 'Bearer an access token' },
  ])
  const elsewhere = opened({ ProviderLogoutUrl: { providerLogoutUrl: null } })
  await elsewhere.client.providers.signIn('corp', { returnTo: RETURN_TO, open: back(WITH_CODE) })
  expect(await elsewhere.client.providers.logoutUrl(RETURN_TO)).toBeNull()
})

test('link and reauthenticate act for the signed-in user', async () => {
  const { client, of } = opened()
  const options = { returnTo: RETURN_TO, open: back(WITH_CODE) }
  await client.providers.signIn('corp', options)
  expect(await client.providers.link('corp', options)).toEqual(identity)
  await client.providers.reauthenticate('corp', options)
  for (const operation of [
    'StartProviderLink',
    'CompleteProviderLink',
    'StartProviderReauthentication',
    'CompleteProviderReauthentication',
  ])
    expect(of(operation).map(({ token }) => token)).toEqual(['Bearer an access token'])
})

describe('providers.signInWithIdToken', () => {
  test('gives the SDK a fresh nonce at each press, and sends the one that it gave', async () => {
    const { client, of } = opened()
    const given: string[] = []
    const press = () =>
      client.providers.signInWithIdToken('google', async nonce => {
        given.push(nonce)
        return { idToken: `token for ${nonce}`, displayName: 'Ada' }
      })
    expect(await press()).toMatchObject({ status: 'signedIn' })
    await press()
    expect(new Set(given).size).toBe(2)
    expect(of('SignInWithIdToken').map(({ input }) => [input.nonce, input.idToken])).toEqual(
      given.map(nonce => [nonce, `token for ${nonce}`]),
    )
  })

  test('says that the person closed the dialog of the SDK', async () => {
    const { client, of } = opened()
    await expect(client.providers.signInWithIdToken('google', async () => null)).rejects.toMatchObject({
      name: 'ProviderCancelled',
    })
    expect(of('SignInWithIdToken')).toEqual([])
  })
})
