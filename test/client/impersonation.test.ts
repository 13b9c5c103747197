import { beforeEach, expect, test } from '@jest/globals'
import { createAdminClient } from '../../src/client/admin.ts'
import { memoryStorage } from '../../src/client/index.ts'
import { type SignedIn, signUp, signUpAdmin } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
import { cut, tab } from './support.ts'

const service = useService()
const SECONDS = 1861

let admin: SignedIn
let person: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
  person = await signUp(service, { displayName: 'Grace' })
})

/** A client of the administrator, with the session that it begins as the other user. */
async function impersonation() {
  const own = tab(service, { accessToken: admin.accessToken }).client
  const { accessToken } = await createAdminClient(own).impersonateUser(person.id, 'Ticket 4711')
  return { own, accessToken }
}

test('a client with an access token acts as its user, and knows who really does', async () => {
  const { own, accessToken } = await impersonation()
  const { client, network } = tab(service, { accessToken })
  expect(await client.restore()).toMatchObject({ id: person.id, displayName: 'Grace' })
  expect(client.state).toMatchObject({ status: 'signedIn', impersonatorId: admin.id })
  expect(await client.request('{ me { id } }')).toEqual({ me: { id: person.id } })
  expect(network.count('Refresh')).toBe(0)
  expect(own.state).toMatchObject({ status: 'signedIn', user: { id: admin.id } })
  expect(own.state.impersonatorId).toBeUndefined()
})

test('it signs out when the session is over, and sends no refresh token', async () => {
  const { accessToken } = await impersonation()
  const storage = memoryStorage()
  await storage.set(person.refreshToken)
  const { client, network } = tab(service, { accessToken, transport: 'body', storage })
  await client.restore()
  service.clock.advance(SECONDS)
  await expect(client.request('{ me { id } }')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(client.state.status).toBe('signedOut')
  expect(network.count('Refresh')).toBe(0)
  service.clock.advance(-SECONDS)
  expect(await storage.get()).toBe(person.refreshToken)
})

test('its logout ends its session alone', async () => {
  const { accessToken } = await impersonation()
  const { client } = tab(service, { accessToken })
  await client.restore()
  await client.logout()
  expect(await stateOf(service, accessToken)).toBe('REVOKED')
  expect(await stateOf(service, admin.accessToken)).toBe('LIVE')
  expect(await stateOf(service, person.accessToken)).toBe('LIVE')
})

test('a token that the server refuses leaves it signed out; a lost connection does not', async () => {
  const refused = tab(service, { accessToken: 'x' }).client
  expect(await refused.restore()).toBeNull()
  const { accessToken } = await impersonation()
  const { client, network } = tab(service, { accessToken })
  network.on('Me', cut, cut, cut, cut)
  await expect(client.restore()).rejects.toMatchObject({ name: 'NetworkError' })
  expect(client.state.status).toBe('restoring')
  expect(await client.restore()).toMatchObject({ id: person.id })
})
