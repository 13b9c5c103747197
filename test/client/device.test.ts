import { describe, expect, test } from '@jest/globals'
import { memoryStorage } from '../../src/client/index.ts'
import { PASSWORD } from '../support/actors.ts'
import { mailedToken } from '../support/mails.ts'
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
})

test('after signing out, a page is still the same device by an HttpOnly cookie', async () => {
  const jar: Jar = {}
  const { client, email } = await verified({ transport: 'cookie' }, jar)
  await client.logout()
  expect(jar).toEqual({ cookie: undefined, device: expect.stringMatching(/^authograph_device=/) })
  await client.login({ identifier: email, password: PASSWORD })
  expect(await noticesTo(email)).toBe(0)
})
