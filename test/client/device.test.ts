import { describe, expect, test } from '@jest/globals'
import { type AuthClient, memoryStorage } from '../../src/client/index.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import type { SoftAuthenticator } from '../support/authenticator.ts'
import { mailedToken } from '../support/mails.ts'
import { havePasskey, newAuthenticator } from '../support/passkeys.ts'
import { useService } from '../support/service.ts'
import { type Jar, signedIn, tab } from './support.ts'

const service = useService()
const noticesTo = (recipient: string) =>
  service.app.db.mail.count({ where: { recipient, template: 'new-device' } })

/** Like `signedIn`, with a verified address, because only verified addresses receive notices. */
async function verified(
  ...args: Parameters<typeof signedIn> extends [unknown, ...infer Rest] ? Rest : never
) {
  const signed = await signedIn(service, ...args)
  const where = { email: signed.email }
  await service.app.db.user.updateMany({ where, data: { emailVerifiedAt: service.clock.now() } })
  return signed
}

/** An account with a passkey, and the client that has just signed out of it. */
async function withPasskey() {
  const { client, email } = await verified()
  const { id } = await service.app.db.user.findFirstOrThrow({ where: { email } })
  await client.logout()
  return { client, email, passkey: await havePasskey(service, id) }
}

async function passkeyLogin({ factors }: AuthClient, passkey: SoftAuthenticator): Promise<void> {
  const { ticket, options } = await factors.beginPasskeyLogin()
  await factors.loginWithPasskey({ passkey: { ticket, credential: { ...passkey.get(options as never) } } })
}

describe('with the `body` transport, a client', () => {
  test('stays the same device after signing out, and after a restart', async () => {
    const storage = memoryStorage()
    const { client, email } = await verified({ storage })
    await client.logout()
    expect(await storage.get()).toBeNull()
    await client.login({ identifier: email, password: PASSWORD })
    const restarted = tab(service, { storage })
    await restarted.client.login({ identifier: email, password: PASSWORD })
    expect(await noticesTo(email)).toBe(0)
    const other = tab(service)
    await other.client.login({ identifier: email, password: PASSWORD })
    expect(await noticesTo(email)).toBe(1)
  })

  test('stays the same device until a restart if its storage keeps no device token', async () => {
    const { device, ...storage } = memoryStorage()
    const { client, email } = await verified({ storage })
    await client.logout()
    await client.login({ identifier: email, password: PASSWORD })
    expect(await noticesTo(email)).toBe(0)
  })

  test('signs in and reports the error if the device token can be neither read nor stored', async () => {
    const heard: unknown[] = []
    const broken = () => Promise.reject(new Error('locked'))
    const storage = { ...memoryStorage(), device: { get: broken, set: broken } }
    const { client } = await verified({ storage, onError: error => heard.push(error) })
    expect(client.state.status).toBe('signedIn')
    expect(heard).toEqual([new Error('locked'), new Error('locked')])
  })

  test('stays a known device after the password is reset or changed', async () => {
    const { client, email } = await verified()
    const newPassword = 'eighteen copper kettles'
    await client.requestPasswordReset(email)
    await client.resetPassword({ token: await mailedToken(service, email, 'reset-password'), newPassword })
    await client.login({ identifier: email, password: newPassword })
    await client.changePassword({ currentPassword: newPassword, newPassword: PASSWORD })
    await client.login({ identifier: email, password: PASSWORD })
    expect(await noticesTo(email)).toBe(0)
  })

  test('is the same device for a passkey as for the password', async () => {
    const { client, email, passkey } = await withPasskey()
    await passkeyLogin(client, passkey)
    expect(await noticesTo(email)).toBe(0)
    await passkeyLogin(tab(service).client, passkey)
    expect(await noticesTo(email)).toBe(1)
  })

  test('stays the device of its account when another account registers there with a passkey', async () => {
    const { client, email } = await verified()
    await client.logout()
    const { ticket, options } = await client.factors.beginPasskeyRegistration({ email: newAddress() })
    const credential = newAuthenticator(service).create(options as never)
    await client.factors.registerWithPasskey({ passkey: { ticket, credential: { ...credential } } })
    await client.logout()
    await client.login({ identifier: email, password: PASSWORD })
    expect(await noticesTo(email)).toBe(0)
  })

  test('may add a passkey by itself once the account has known it for a day', async () => {
    const { client, email } = await verified()
    service.clock.advance(2 * 86_400)
    await client.logout()
    await client.login({ identifier: email, password: PASSWORD })
    const { ticket } = await client.factors.beginPasskey({ automatic: true })
    expect(ticket).toEqual(expect.any(String))
  })
})

test('after signing out, a page is still the same device by an HttpOnly cookie', async () => {
  const jar: Jar = {}
  const { client, email } = await verified({ transport: 'cookie' }, jar)
  await client.logout()
  expect(jar).toEqual({ cookie: undefined, device: expect.stringMatching(/^authograph_device=/) })
  await client.login({ identifier: email, password: PASSWORD })
  expect(await noticesTo(email)).toBe(0)
})
