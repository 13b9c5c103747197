import { describe, expect, test } from '@jest/globals'
import { type AuthClient, memoryStorage } from '../../src/client/index.ts'
import { PASSWORD, signIn } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { EXPIRY_SECONDS, type Jar, settled, signedIn, tab } from './support.ts'

const service = useService()

/** What the client reports, as `event user`, in order. */
function heardBy(client: AuthClient): string[] {
  const heard: string[] = []
  client.on('signed-in', ({ user, restored }) =>
    heard.push(`signed-in ${user.displayName}${restored ? ', restored' : ''}`),
  )
  client.on('refreshed', ({ user }) => heard.push(`refreshed ${user.displayName}`))
  client.on('signed-out', ({ user }) => heard.push(`signed-out ${user.displayName}`))
  client.on('session-revoked', ({ user }) => heard.push(`session-revoked ${user.displayName}`))
  return heard
}

test('a client reports a sign-in, each refresh and the sign-out, once each', async () => {
  const { client, email } = await signedIn(service)
  const heard = heardBy(client)
  await client.renewAccessToken()
  service.clock.advance(EXPIRY_SECONDS)
  await Promise.all([client.me(), client.me()])
  await client.logout()
  await client.login({ identifier: email, password: PASSWORD })
  expect(heard).toEqual(['refreshed Ada', 'refreshed Ada', 'signed-out Ada', 'signed-in Ada'])
})

test('a session that is resumed at startup is reported as restored', async () => {
  const storage = memoryStorage()
  await signedIn(service, { storage })
  const { client } = tab(service, { storage })
  const heard = heardBy(client)
  await client.restore()
  expect(heard).toEqual(['signed-in Ada, restored'])
})

test('a visitor without a session causes no event', async () => {
  const { client } = tab(service)
  const heard = heardBy(client)
  await client.restore()
  expect(heard).toEqual([])
})

describe('session-revoked is reported instead of signed-out when', () => {
  test.each([
    [
      'another device ends the session',
      async (client: AuthClient, email: string) => {
        const { accessToken } = await signIn(service, email)
        await service.send('mutation { revokeOtherSessions }', {}, { token: accessToken })
        await client.me()
      },
    ],
    [
      'an administrator disables the account',
      async (client: AuthClient) => {
        const id = String(client.state.user?.id)
        await service.app.db.user.updateMany({ where: { id }, data: { disabledAt: new Date() } })
        await client.me()
      },
    ],
  ])('%s', async (_case, end) => {
    const { client, email } = await signedIn(service)
    const heard = heardBy(client)
    await end(client, email)
    expect(heard).toEqual(['session-revoked Ada'])
  })
})

test.each([
  ['sessions.revokeAll', (client: AuthClient) => client.sessions.revokeAll()],
  ['deleteAccount', (client: AuthClient) => client.deleteAccount()],
])('%s is reported as signed-out', async (_name, end) => {
  const { client } = await signedIn(service)
  const heard = heardBy(client)
  await end(client)
  expect(heard).toEqual(['signed-out Ada'])
})

test('the other tabs report what happens in one of them', async () => {
  const jar: Jar = {}
  const { client: one, email } = await signedIn(service, {}, jar)
  const { client: other } = tab(service, {}, jar)
  const heard = heardBy(other)
  await other.restore()
  await one.renewAccessToken()
  await settled()
  await one.logout()
  await settled()
  await one.login({ identifier: email, password: PASSWORD })
  await settled()
  expect(heard).toEqual(['signed-in Ada, restored', 'refreshed Ada', 'signed-out Ada', 'signed-in Ada'])
})

test('the other tabs learn that the server ended the session', async () => {
  const jar: Jar = {}
  const { client: one, email } = await signedIn(service, {}, jar)
  const { client: other } = tab(service, {}, jar)
  await other.restore()
  const heard = heardBy(other)
  const { accessToken } = await signIn(service, email)
  await service.send('mutation { revokeOtherSessions }', {}, { token: accessToken })
  await one.me()
  await settled()
  expect(heard).toEqual(['session-revoked Ada'])
})

test('a listener that signs out prevents the report of what it ended, and a removed one hears nothing', async () => {
  const { client } = await signedIn(service)
  const heard = heardBy(client)
  const removed: unknown[] = []
  client.on('refreshed', () => removed.push('refreshed'))()
  const off = client.onChange(user => {
    off()
    if (user) void client.logout().catch(() => {})
  })
  await client.updateProfile({ displayName: 'Countess' })
  await settled()
  expect(heard).toEqual(['signed-out Countess'])
  expect(removed).toEqual([])
})

test('a listener that throws stops neither the client nor the other listeners', async () => {
  const errors: unknown[] = []
  const { client } = await signedIn(service, { onError: error => void errors.push(error) })
  client.on('refreshed', () => {
    throw new Error('a broken listener')
  })
  const heard = heardBy(client)
  expect(await client.renewAccessToken()).toEqual(expect.any(String))
  expect(heard).toEqual(['refreshed Ada'])
  expect(errors).toEqual([new Error('a broken listener')])
})
