import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { afterEach, describe, expect, test } from '@jest/globals'
import { Observable } from 'rxjs'
import { authLink, clearCacheOnUserChange } from '../../src/client/apollo.ts'
import { PASSWORD, signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
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

const apollos: ApolloClient[] = []
afterEach(() => {
  for (const apollo of apollos.splice(0)) apollo.stop()
})

function apolloOf({ client, network }: Tab): ApolloClient {
  const http = new HttpLink({ uri: `${service.url}/graphql`, fetch: network.fetch })
  const apollo = new ApolloClient({
    link: authLink(client).concat(http),
    cache: new InMemoryCache(),
    // Sends each query, even while an identical one is in flight.
    defaultOptions: { query: { fetchPolicy: 'network-only', context: { queryDeduplication: false } } },
  })
  apollos.push(apollo)
  return apollo
}

async function setup() {
  const one = await signedIn(service)
  return { ...one, apollo: apolloOf(one), id: one.client.state.user?.id }
}

const expire = () => service.clock.advance(EXPIRY_SECONDS)

test('Apollo sends operations as the signed-in user', async () => {
  const { apollo, id } = await setup()
  expect((await apollo.query({ query: ME })).data).toMatchObject({ me: { id } })
  const { data } = await apollo.mutate({
    mutation: RENAME,
    variables: { input: { displayName: 'Countess' } },
  })
  expect(data).toMatchObject({ updateProfile: { displayName: 'Countess' } })
})

test('50 Apollo queries with an expired token share one refresh, even if its answer is lost', async () => {
  const { apollo, network, id } = await setup()
  expire()
  network.on('Refresh', lost)
  const answers = await Promise.all(Array.from({ length: 50 }, () => apollo.query({ query: ME })))
  for (const { data } of answers) expect(data).toMatchObject({ me: { id } })
  expect(network.count('Refresh')).toBe(2)
  expect(network.count('Me')).toBeLessThanOrEqual(100)
})

test('Apollo renews the token and repeats the operation once after UNAUTHENTICATED', async () => {
  const { apollo, network } = await setup()
  network.on('Me', ...Array(9).fill(refusedWith('UNAUTHENTICATED', { reason: 'EXPIRED' })))
  await expect(apollo.query({ query: ME })).rejects.toMatchObject({
    errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
  })
  expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
})

test('Apollo renews the token and repeats the operation once after a 401 from a proxy', async () => {
  const { apollo, network, id } = await setup()
  network.on('Me', answered('{}', 401))
  expect((await apollo.query({ query: ME })).data).toMatchObject({ me: { id } })
  expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
  network.sent.length = 0
  network.on('Me', answered('{}', 401), answered('{}', 401))
  await expect(apollo.query({ query: ME })).rejects.toMatchObject({ statusCode: 401 })
  expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
})

test('without a network, an Apollo query fails and the user stays signed in', async () => {
  const { apollo, client, network, id } = await setup()
  expire()
  network.on('Refresh', cut, cut, cut, cut)
  await expect(apollo.query({ query: ME })).rejects.toMatchObject({ name: 'NetworkError' })
  expect(client.state.status).toBe('signedIn')
  expect((await apollo.query({ query: ME })).data).toMatchObject({ me: { id } })
})

test('after the session has ended, an Apollo query fails and the client signs out', async () => {
  const { apollo, client } = await setup()
  const token = await client.getAccessToken()
  await service.app.db.session.updateMany({
    where: { userId: String(client.state.user?.id) },
    data: { revokedAt: service.clock.now() },
  })
  expect(await stateOf(service, token ?? undefined)).toBe('REVOKED')
  await expect(apollo.query({ query: ME })).rejects.toMatchObject({
    errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
  })
  expect(client.state.status).toBe('signedOut')
})

test('when signed out, Apollo sends operations without a token and does not refresh', async () => {
  const one = tab(service)
  const apollo = apolloOf(one)
  const settings = gql`query Settings { authSettings { registrationOpen } }`
  expect((await apollo.query({ query: settings })).data).toEqual({
    authSettings: expect.objectContaining({ registrationOpen: true }),
  })
  await expect(apollo.query({ query: ME })).rejects.toMatchObject({
    errors: [{ extensions: { reason: 'MISSING' } }],
  })
  expect(one.network.sent).toEqual(['Settings', 'Me'])
})

test('an Apollo mutation is not repeated as another user who signs in before its answer', async () => {
  const { apollo, client, network } = await setup()
  const other = await signUp(service)
  network.on('Rename', async () => {
    await client.login({ identifier: other.email, password: PASSWORD })
    return refusedWith('UNAUTHENTICATED', { reason: 'EXPIRED' })(async () => new Response())
  })
  const renamed = apollo.mutate({ mutation: RENAME, variables: { input: { displayName: 'Mallory' } } })
  await expect(renamed).rejects.toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
  expect(network.count('Rename')).toBe(1)
})

test('an Apollo subscription that is refused restarts once, with the new token', async () => {
  const { client, network } = await setup()
  const running = new Set<string>()
  const begun: string[] = []
  const events = new ApolloLink(
    operation =>
      new Observable(observer => {
        const { authorization } = operation.getContext().headers as { authorization: string }
        const first = begun.push(authorization) === 1
        running.add(authorization)
        observer.next({ data: { tick: begun.length } })
        const refusal = { message: 'expired', extensions: { code: 'UNAUTHENTICATED' } }
        for (let count = 0; first && count < 3; count++) observer.next({ data: null, errors: [refusal] })
        return () => void running.delete(authorization)
      }),
  )
  const apollo = new ApolloClient({ link: authLink(client).concat(events), cache: new InMemoryCache() })
  apollos.push(apollo)
  const heard: unknown[] = []
  const subscription = apollo
    .subscribe({ query: gql`subscription { tick }` })
    .subscribe(({ data }) => heard.push(data))
  await settled()
  await settled()
  expect(heard).toEqual([{ tick: 1 }, { tick: 2 }])
  expect(begun).toHaveLength(2)
  expect([...running]).toEqual([`Bearer ${await client.getAccessToken()}`])
  expect(network.count('Refresh')).toBe(1)
  subscription.unsubscribe()
  expect(running.size).toBe(0)
})

test('Apollo renews the token after UNAUTHENTICATED beside data, whatever the error policy', async () => {
  const { apollo, network, id } = await setup()
  const refusal = { message: 'no', path: ['me', 'roles'], extensions: { code: 'UNAUTHENTICATED' } }
  network.on('Me', answered(JSON.stringify({ data: { me: null }, errors: [refusal] })))
  const { data, error } = await apollo.query({ query: ME, errorPolicy: 'all' })
  expect(data).toMatchObject({ me: { id } })
  expect(error).toBeUndefined()
  expect(network.sent).toEqual(['Me', 'Refresh', 'Me'])
})

describe('with clearCacheOnUserChange,', () => {
  const NAME = gql`query Name { me { id displayName } }`

  async function setupCached() {
    const one = await signedIn(service)
    const http = new HttpLink({ uri: `${service.url}/graphql`, fetch: one.network.fetch })
    const apollo = new ApolloClient({ link: authLink(one.client).concat(http), cache: new InMemoryCache() })
    apollos.push(apollo)
    clearCacheOnUserChange(one.client, apollo)
    return { ...one, apollo, id: one.client.state.user?.id }
  }

  /** What a mounted component has shown, in order: an ID, or an error code or name. */
  function shownBy(apollo: ApolloClient): unknown[] {
    const shown: unknown[] = []
    apollo
      .watchQuery<{ me: { id: string } | null }>({ query: NAME })
      .subscribe(({ data, error, loading }) => {
        if (error) shown.push(codeOf(error) ?? error.name)
        else if (!loading) shown.push((data as { me: { id: string } | null } | undefined)?.me?.id)
      })
    return shown
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let look = 0; !condition() && look < 100; look++) await settled()
  }

  test('a query of the next user is never answered with data of the previous one', async () => {
    const { client, apollo, id } = await setupCached()
    expect((await apollo.query({ query: NAME })).data).toMatchObject({ me: { id } })
    const other = await signUp(service)
    await client.login({ identifier: other.email, password: PASSWORD })
    expect((await apollo.query({ query: NAME })).data).toMatchObject({ me: { id: other.id } })
    await client.logout()
    await expect(apollo.query({ query: NAME })).rejects.toMatchObject({
      errors: [{ extensions: { reason: 'MISSING' } }],
    })
  })

  test('a query that learns of a revocation fails with UNAUTHENTICATED', async () => {
    const { client, apollo, id } = await setupCached()
    await service.app.db.session.updateMany({
      where: { userId: String(id) },
      data: { revokedAt: service.clock.now() },
    })
    await expect(apollo.query({ query: NAME })).rejects.toMatchObject({
      errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'REVOKED' } }],
    })
    expect(client.state.status).toBe('signedOut')
  })

  test('mounted queries are reloaded for the next user', async () => {
    const { client, apollo, id } = await setupCached()
    const shown = shownBy(apollo)
    await until(() => shown.length === 1)
    const other = await signUp(service)
    await client.login({ identifier: other.email, password: PASSWORD })
    await until(() => shown.includes(other.id))
    expect(shown[0]).toBe(id)
    expect(shown.at(-1)).toBe(other.id)
    expect(shown.lastIndexOf(id)).toBe(0)
  })

  test('an answer for the previous user that arrives late is dropped', async () => {
    const { client, network, apollo } = await setupCached()
    const held = gate('after')
    network.on('Name', held.fault)
    const late = apollo.query({ query: NAME })
    void late.catch(() => {})
    await held.reached
    const other = await signUp(service)
    await client.login({ identifier: other.email, password: PASSWORD })
    held.release()
    await expect(late).rejects.toMatchObject({ name: 'UserChangedError' })
    expect((await apollo.query({ query: NAME })).data).toMatchObject({ me: { id: other.id } })
  })
})

function codeOf(error: unknown): unknown {
  return (error as { errors?: { extensions?: { code?: unknown } }[] }).errors?.[0]?.extensions?.code
}
