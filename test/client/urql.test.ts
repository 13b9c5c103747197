import { afterEach, describe, expect, test } from '@jest/globals'
import {
  type Client,
  cacheExchange,
  createClient,
  fetchExchange,
  gql,
  subscriptionExchange,
} from '@urql/core'
import { pipe, subscribe } from 'wonka'
import { authExchange } from '../../src/client/urql.ts'
import { PASSWORD, signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import {
  answered,
  cut,
  EXPIRY_SECONDS,
  gate,
  lost,
  refusedWith,
  settled,
  signedIn,
  type Tab,
  tab,
} from './support.ts'

const service = useService()
const ME = gql`query Me { me { id email } }`
const RENAME = gql`mutation Rename($input: UpdateProfileInput!) { updateProfile(input: $input) { id displayName } }`

function urqlOf({ client, network }: Tab): Client {
  return createClient({
    url: `${service.url}/graphql`,
    fetch: network.fetch,
    exchanges: [authExchange(client), fetchExchange],
    preferGetMethod: false,
    fetchOptions: { headers: { 'x-own': '1' } },
  })
}

async function setup() {
  const one = await signedIn(service)
  return { ...one, urql: urqlOf(one), id: one.client.state.user?.id }
}

const expire = () => service.clock.advance(EXPIRY_SECONDS)

test('urql sends operations as the signed-in user', async () => {
  const { urql, id } = await setup()
  expect((await urql.query(ME, {})).data).toMatchObject({ me: { id } })
  const { data } = await urql.mutation(RENAME, { input: { displayName: 'Countess' } })
  expect(data).toMatchObject({ updateProfile: { displayName: 'Countess' } })
})

test('50 urql mutations with an expired token share one refresh, even if its answer is lost', async () => {
  const { urql, network } = await setup()
  expire()
  network.on('Refresh', lost)
  const input = { displayName: 'Countess' }
  const answers = await Promise.all(Array.from({ length: 50 }, () => urql.mutation(RENAME, { input })))
  for (const { data } of answers) expect(data).toMatchObject({ updateProfile: input })
  expect(network.count('Refresh')).toBe(2)
  expect(network.count('Rename')).toBeLessThanOrEqual(100)
})

describe('urql renews the token and repeats the operation once after', () => {
  test.each([
    ['UNAUTHENTICATED', refusedWith('UNAUTHENTICATED', { reason: 'EXPIRED' })],
    ['401', answered('{}', 401)],
  ])('%s', async (_case, refusal) => {
    const { urql, network, id } = await setup()
    network.on('Me', refusal)
    expect((await urql.query(ME, {})).data).toMatchObject({ me: { id } })
    network.on('Me', ...Array(9).fill(refusal))
    expect((await urql.query(ME, {})).error).toBeDefined()
    expect(network.sent).toEqual(['Me', 'Refresh', 'Me', 'Me', 'Refresh', 'Me'])
  })
})

test('without a network, an urql query fails and the user stays signed in', async () => {
  const { urql, client, network, id } = await setup()
  expire()
  network.on('Refresh', cut, cut, cut, cut)
  expect((await urql.query(ME, {})).error?.networkError).toMatchObject({ name: 'NetworkError' })
  expect(client.state.status).toBe('signedIn')
  expect((await urql.query(ME, {})).data).toMatchObject({ me: { id } })
})

test('after the session has ended, an urql query fails and the client signs out', async () => {
  const { urql, client } = await setup()
  await service.app.db.session.updateMany({
    where: { userId: String(client.state.user?.id) },
    data: { revokedAt: service.clock.now() },
  })
  const { error } = await urql.query(ME, {})
  expect(error?.graphQLErrors[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(client.state.status).toBe('signedOut')
})

test('when signed out, urql sends operations without a token and does not refresh', async () => {
  const one = tab(service)
  const { error } = await urqlOf(one).query(ME, {})
  expect(error?.graphQLErrors[0]?.extensions).toMatchObject({ reason: 'MISSING' })
  expect(one.network.sent).toEqual(['Me'])
})

test('an urql query that is torn down during the refresh is not sent again', async () => {
  const { urql, network } = await setup()
  expire()
  network.on('Me', refusedWith('UNAUTHENTICATED', { reason: 'EXPIRED' }))
  const held = gate('before')
  network.on('Refresh', held.fault)
  const heard: unknown[] = []
  const { unsubscribe } = pipe(
    urql.executeQuery({ key: 1, query: ME, variables: {} }),
    subscribe(result => void heard.push(result)),
  )
  await held.reached
  unsubscribe()
  held.release()
  await settled()
  expect(heard).toEqual([])
  expect(network.sent).toEqual(['Me', 'Refresh'])
})

test('an urql mutation is not repeated as another user who signs in before its answer', async () => {
  const { urql, client, network } = await setup()
  const other = await signUp(service)
  network.on('Rename', async () => {
    await client.login({ identifier: other.email, password: PASSWORD })
    return refusedWith('UNAUTHENTICATED', { reason: 'EXPIRED' })(async () => new Response())
  })
  const { error } = await urql.mutation(RENAME, { input: { displayName: 'Mallory' } })
  expect(error?.graphQLErrors[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(network.count('Rename')).toBe(1)
})

test('an urql subscription is repeated only once, however often it is refused', async () => {
  const { client, network } = await setup()
  let begun = 0
  const refusal = { message: 'expired', extensions: { code: 'UNAUTHENTICATED' } }
  const urql = createClient({
    url: service.url,
    preferGetMethod: false,
    exchanges: [
      authExchange(client),
      subscriptionExchange({
        forwardSubscription: () => ({
          subscribe: sink => {
            for (let count = begun++; count < 3; count++) sink.next({ data: null, errors: [refusal] })
            return { unsubscribe: () => {} }
          },
        }),
      }),
    ],
  })
  const { unsubscribe } = pipe(
    urql.subscription(gql`subscription { tick }`, {}),
    subscribe(() => {}),
  )
  await settled()
  await settled()
  expect(begun).toBe(2)
  expect(network.count('Refresh')).toBe(1)
  unsubscribe()
})

describe('with a cache,', () => {
  const NAME = gql`query Name { me { id displayName } }`

  function cached({ client, network }: Tab): Client {
    return createClient({
      url: `${service.url}/graphql`,
      fetch: network.fetch,
      exchanges: [authExchange(client, cacheExchange), fetchExchange],
      preferGetMethod: false,
    })
  }

  /** What a mounted component has shown, in order: an ID, or the name of an error. */
  function shownBy(urql: Client): unknown[] {
    const shown: unknown[] = []
    const { unsubscribe } = pipe(
      urql.query(NAME, {}),
      subscribe(({ data, error, stale }) => {
        if (!stale)
          shown.push(data?.me?.id ?? error?.networkError?.name ?? error?.graphQLErrors[0]?.extensions.code)
      }),
    )
    mounted.push(unsubscribe)
    return shown
  }
  const mounted: (() => void)[] = []
  afterEach(() => {
    for (const unsubscribe of mounted.splice(0)) unsubscribe()
  })

  async function until(condition: () => boolean): Promise<void> {
    for (let look = 0; !condition() && look < 100; look++) await settled()
  }

  test('urql answers a repeated query of one user from the cache', async () => {
    const one = await signedIn(service)
    const urql = cached(one)
    await urql.query(NAME, {})
    expect((await urql.query(NAME, {})).data).toMatchObject({ me: { id: one.client.state.user?.id } })
    expect(one.network.count('Name')).toBe(1)
  })

  test('urql never answers a query of the next user with data of the previous one', async () => {
    const one = await signedIn(service)
    const urql = cached(one)
    await urql.query(NAME, {})
    const other = await signUp(service)
    await one.client.login({ identifier: other.email, password: PASSWORD })
    expect((await urql.query(NAME, {})).data).toMatchObject({ me: { id: other.id } })
    await one.client.logout()
    const { data, error } = await urql.query(NAME, {})
    expect(data?.me).toBeFalsy()
    expect(error?.graphQLErrors[0]?.extensions).toMatchObject({ reason: 'MISSING' })
  })

  test('urql reloads mounted queries for the next user', async () => {
    const one = await signedIn(service)
    const id = one.client.state.user?.id
    const shown = shownBy(cached(one))
    await until(() => shown.length === 1)
    const other = await signUp(service)
    await one.client.login({ identifier: other.email, password: PASSWORD })
    await until(() => shown.length === 2)
    expect(shown).toEqual([id, other.id])
  })

  test('urql discards an answer for the previous user that arrives late', async () => {
    const one = await signedIn(service)
    const held = gate('after')
    one.network.on('Name', held.fault)
    const urql = cached(one)
    const shown = shownBy(urql)
    await held.reached
    const other = await signUp(service)
    await one.client.login({ identifier: other.email, password: PASSWORD })
    await settled()
    held.release()
    await until(() => shown.length === 2)
    expect(shown).toEqual(['UserChangedError', other.id])
    expect((await urql.query(NAME, {})).data).toMatchObject({ me: { id: other.id } })
  })
})
