import { describe, expect, test } from '@jest/globals'
import { createAdministrator } from '../../src/admin/create-administrator.ts'
import { auditOf } from '../support/audit.ts'
import { templatesTo } from '../support/mails.ts'
import { ChangePassword, Login, Register } from '../support/operations.ts'
import { codes, PASSWORD, signUp, startService, useService } from '../support/service.ts'
import { FIREFOX, refresh, refreshed } from '../support/sessions.ts'

const service = useService()

const CURL = { 'user-agent': 'curl/8.0' }
const firefox = { 'user-agent': FIREFOX }
const login = (identifier: string, headers: Record<string, string>, input = {}) =>
  service.send(Login, { input: { identifier, password: PASSWORD, ...input } }, { headers })

/** An account whose one session is of Firefox on Linux. */
async function newAccount() {
  const email = `${crypto.randomUUID()}@example.com`
  const { data } = await service.send(
    Register,
    { input: { email, password: PASSWORD } },
    { headers: firefox },
  )
  if (data?.register.__typename !== 'AuthPayload') throw new Error('not signed in')
  return { id: data.register.user.id, email, deviceToken: data.register.deviceToken ?? '' }
}

const noticesTo = async (email: string) => (await templatesTo(service, email)).slice(1)

describe('a sign-in from a new device', () => {
  test('is told by mail, once for each device', async () => {
    const { email, deviceToken } = await newAccount()
    const phone = await login(email, CURL)
    expect(await noticesTo(email)).toEqual(['new-device'])
    const mail = (await service.mailsTo(email)).at(-1)
    expect(mail?.subject).toBe('A new device signed in at Authograph')
    expect(mail?.text).toMatch(/Device: curl\nIP address: 127\.0\.0\.1/)
    expect(mail?.text).toContain('http://localhost:4000/forgot-password')
    for (const token of [phone.data?.login.deviceToken ?? '', deviceToken])
      expect(codes(await login(email, CURL, { deviceToken: token }))).toEqual([])
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('is known by its token, not by the name or the browser that a client claims to be', async () => {
    const { email, deviceToken } = await newAccount()
    await login(email, firefox, { deviceName: 'Firefox on Linux' })
    expect(await noticesTo(email)).toEqual(['new-device'])
    await login(email, CURL, { deviceName: 'Ada’s phone', deviceToken })
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('is told also where the device is known to another account', async () => {
    const [mine, victim] = [await newAccount(), await newAccount()]
    await login(victim.email, firefox, { deviceToken: mine.deviceToken })
    expect(await noticesTo(victim.email)).toEqual(['new-device'])
  })

  test('is told once where it signs in several times at once', async () => {
    const [mine, { email }] = [await newAccount(), await newAccount()]
    const { deviceToken } = mine
    await Promise.all(Array.from({ length: 5 }, () => login(email, CURL, { deviceToken })))
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('is on record as one', async () => {
    const { id, email, deviceToken } = await newAccount()
    await login(email, CURL, { deviceToken })
    await login(email, CURL)
    const started = (await auditOf(service, id)).filter(({ action }) => action === 'session.started')
    expect(started.map(({ detail }) => detail)).toEqual([
      { sessionId: expect.any(String) },
      { sessionId: expect.any(String) },
      { sessionId: expect.any(String), newDevice: true },
    ])
  })

  test('is none where nobody has signed in before', async () => {
    const email = `${crypto.randomUUID()}@example.com`
    await createAdministrator(service.app, { email, password: PASSWORD })
    expect(codes(await login(email, CURL))).toEqual([])
    expect(await templatesTo(service, email)).toEqual([])
  })

  test('is told also when the sessions of before are so long over that they are gone', async () => {
    const { id, email } = await signUp(service)
    await service.app.db.session.deleteMany({ where: { userId: id } })
    await login(email, CURL)
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('is none where the sign-in fails', async () => {
    const { email } = await newAccount()
    const input = { identifier: email, password: 'wrong' }
    await service.send(Login, { input }, { headers: CURL })
    expect(await noticesTo(email)).toEqual([])
  })
})

test('a changed password is told by mail', async () => {
  const { email, accessToken: token } = await signUp(service)
  const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' }
  await service.send(ChangePassword, { input }, { token, headers: firefox })
  expect(await noticesTo(email)).toEqual(['password-changed'])
  expect((await service.mailsTo(email)).at(-1)?.text).toContain('Device: Firefox on Linux')
  const wrong = { currentPassword: 'wrong', newPassword: 'nineteen silver spoons' }
  await service.send(ChangePassword, { input: wrong }, { token })
  expect(await noticesTo(email)).toEqual(['password-changed'])
})

test('a session that ends because its spent token came back is told by mail, once', async () => {
  const { email, refreshToken } = await signUp(service)
  const next = await refreshed(service, refreshToken)
  await refreshed(service, next.refreshToken)
  const replies = await Promise.all(Array.from({ length: 5 }, () => refresh(service, refreshToken)))
  expect(replies.flatMap(codes)).toEqual(Array(5).fill('REFRESH_TOKEN_INVALID'))
  expect(await noticesTo(email)).toEqual(['reuse-detected'])
})

test('without mails everything goes on', async () => {
  const silent = await startService({ settings: { MAIL: 'off' } })
  try {
    const { email } = await signUp(silent)
    const input = { identifier: email, password: PASSWORD }
    expect(codes(await silent.send(Login, { input }, { headers: CURL }))).toEqual([])
    expect(await silent.app.db.mail.count()).toBe(0)
  } finally {
    await silent.close()
  }
})
