import { describe, expect, test } from '@jest/globals'
import { createAdministrator } from '../../src/admin/users/create-administrator.ts'
import {
  login,
  newAddress,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpVerified,
} from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import {
  ChangePassword,
  ConfirmEmailChange,
  DeleteAccount,
  Login,
  Register,
  RequestEmailChange,
  VerifyEmail,
} from '../support/operations.ts'
import { codes, startService, useService } from '../support/service.ts'
import { FIREFOX, refresh, refreshed } from '../support/sessions.ts'

const service = useService()

const CURL = { 'user-agent': 'curl/8.0' }
const firefox = { 'user-agent': FIREFOX }
const loginFrom = (identifier: string, headers: Record<string, string>, input = {}) =>
  login(service, { identifier, ...input }, { headers })

/** An account with a verified address and one session, from Firefox on Linux. */
async function newAccount() {
  const email = newAddress()
  const { data } = await service.send(
    Register,
    { input: { email, password: PASSWORD } },
    { headers: firefox },
  )
  if (data?.register.__typename !== 'AuthPayload') throw new Error('not signed in')
  const token = await mailedToken(service, email, 'verify-email')
  expect(codes(await service.send(VerifyEmail, { input: { token } }))).toEqual([])
  return { id: data.register.user.id, email, deviceToken: data.register.deviceToken ?? '' }
}

const noticesTo = async (email: string) => (await templatesTo(service, email)).slice(1)

describe('a sign-in from a new device', () => {
  test('notifies the owner by email, once per device', async () => {
    const { email, deviceToken } = await newAccount()
    const phone = await loginFrom(email, CURL)
    expect(await noticesTo(email)).toEqual(['new-device'])
    const mail = (await service.mailsTo(email)).at(-1)
    expect(mail?.subject).toBe('A new device signed in at Authograph')
    expect(mail?.text).toMatch(/Device: curl\nIP address: 127\.0\.0\.1/)
    expect(mail?.text).toContain('http://localhost:4000/forgot-password')
    for (const token of [phone.data?.login.deviceToken ?? '', deviceToken])
      expect(codes(await loginFrom(email, CURL, { deviceToken: token }))).toEqual([])
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('is recognized by the device token, not by the name or the browser that a client claims', async () => {
    const { email, deviceToken } = await newAccount()
    await loginFrom(email, firefox, { deviceName: 'Firefox on Linux' })
    expect(await noticesTo(email)).toEqual(['new-device'])
    await loginFrom(email, CURL, { deviceName: 'Ada’s phone', deviceToken })
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('notifies the owner even if another account recognizes the device', async () => {
    const [mine, victim] = [await newAccount(), await newAccount()]
    await loginFrom(victim.email, firefox, { deviceToken: mine.deviceToken })
    expect(await noticesTo(victim.email)).toEqual(['new-device'])
  })

  test('notifies the owner once, even if it signs in several times simultaneously', async () => {
    const [mine, { email }] = [await newAccount(), await newAccount()]
    const { deviceToken } = mine
    await Promise.all(Array.from({ length: 5 }, () => loginFrom(email, CURL, { deviceToken })))
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('is recorded as one from a new device', async () => {
    const { id, email, deviceToken } = await newAccount()
    await loginFrom(email, CURL, { deviceToken })
    await loginFrom(email, CURL)
    const started = (await auditOf(service, id)).filter(({ action }) => action === 'session.started')
    expect(started.map(({ detail }) => detail)).toEqual([
      { sessionId: expect.any(String), methods: ['PASSWORD'] },
      { sessionId: expect.any(String), methods: ['PASSWORD'] },
      { sessionId: expect.any(String), methods: ['PASSWORD'], newDevice: true },
    ])
  })

  test('sends no notice if the account has never been signed in to', async () => {
    const email = newAddress()
    await createAdministrator(service.app, { email, password: PASSWORD })
    expect(codes(await loginFrom(email, CURL))).toEqual([])
    expect(await templatesTo(service, email)).toEqual([])
  })

  test('notifies the owner of a dormant account whose old sessions are deleted', async () => {
    const { id, email } = await signUpVerified(service)
    await service.app.db.session.deleteMany({ where: { userId: id } })
    await loginFrom(email, CURL)
    expect(await noticesTo(email)).toEqual(['new-device'])
  })

  test('sends no notice if the sign-in fails', async () => {
    const { email } = await newAccount()
    const input = { identifier: email, password: 'wrong' }
    await service.send(Login, { input }, { headers: CURL })
    expect(await noticesTo(email)).toEqual([])
  })
})

test('a password change notifies the owner by email', async () => {
  const { email, accessToken: token } = await signUpVerified(service)
  const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' }
  await service.send(ChangePassword, { input }, { token, headers: firefox })
  expect(await noticesTo(email)).toEqual(['password-changed'])
  expect((await service.mailsTo(email)).at(-1)?.text).toContain('Device: Firefox on Linux')
  const wrong = { currentPassword: 'wrong', newPassword: 'nineteen silver spoons' }
  await service.send(ChangePassword, { input: wrong }, { token })
  expect(await noticesTo(email)).toEqual(['password-changed'])
})

test('a session that ends because a used token is presented again notifies the owner by email, once', async () => {
  const { email, refreshToken } = await signUpVerified(service)
  const next = await refreshed(service, refreshToken)
  await refreshed(service, next.refreshToken)
  const replies = await Promise.all(Array.from({ length: 5 }, () => refresh(service, refreshToken)))
  expect(replies.flatMap(codes)).toEqual(Array(5).fill('REFRESH_TOKEN_INVALID'))
  expect(await noticesTo(email)).toEqual(['reuse-detected'])
})

/** Alternates the password between two values. */
async function flipPassword({ accessToken: token }: Pick<SignedIn, 'accessToken'>, times: number) {
  const passwords = [PASSWORD, 'eighteen copper kettles']
  for (let time = 0; time < times; time++) {
    const [currentPassword = '', newPassword = ''] = passwords
    expect(
      codes(await service.send(ChangePassword, { input: { currentPassword, newPassword } }, { token })),
    ).toEqual([])
    passwords.reverse()
  }
}

const EVIL = 'Refund: https://evil.example'

describe('an address that was never verified', () => {
  test('receives only the verification email, whatever happens to the account', async () => {
    const account = await signUp(service)
    const { email, accessToken: token } = account
    for (let device = 0; device < 3; device++)
      expect(codes(await loginFrom(email, CURL, { deviceName: `${EVIL} ${device}` }))).toEqual([])
    await flipPassword(account, 2)
    const change = { newEmail: newAddress() }
    expect(codes(await service.send(RequestEmailChange, { input: change }, { token }))).toEqual([])
    const subjects = (await service.mailsTo(email)).map(({ subject }) => subject)
    expect(subjects).toEqual(['Confirm your email address for Authograph'])
    expect(codes(await service.send(DeleteAccount, {}, { token }))).toEqual([])
    expect(await service.app.db.user.count({ where: { email } })).toBe(0)
    expect((await service.mailsTo(email)).map(({ subject }) => subject)).toEqual(subjects)
  })

  test('receives no link that restores it after a change of address', async () => {
    const { email, accessToken: token } = await signUp(service)
    const newEmail = newAddress()
    await service.send(RequestEmailChange, { input: { newEmail } }, { token })
    const confirmation = await mailedToken(service, newEmail, 'confirm-email')
    expect(codes(await service.send(ConfirmEmailChange, { input: { token: confirmation } }))).toEqual([])
    expect(await templatesTo(service, email)).toEqual(['verify-email'])
    expect((await signUp(service, { email })).email).toBe(email)
  })
})

test('no email contains text that a client chose', async () => {
  const email = newAddress()
  const input = { email, password: PASSWORD, deviceName: EVIL, displayName: EVIL }
  const { data } = await service.send(Register, { input }, { headers: firefox })
  if (data?.register.__typename !== 'AuthPayload') throw new Error('not signed in')
  const token = await mailedToken(service, email, 'verify-email')
  await service.send(VerifyEmail, { input: { token } })
  await loginFrom(email, { 'user-agent': `${EVIL}/1.0` }, { deviceName: `${EVIL} 2` })
  const first = data.register.refreshToken ?? ''
  const sending = { headers: firefox }
  const second = await refreshed(service, first, {}, sending)
  await refreshed(service, second.refreshToken, {}, sending)
  await refresh(service, first, {}, { headers: { 'user-agent': EVIL } })
  expect(await templatesTo(service, email)).toEqual(['verify-email', 'new-device', 'reuse-detected'])
  const emails = await service.mailsTo(email)
  expect(emails).toHaveLength(3)
  for (const { subject, text, html } of emails) expect(`${subject}${text}${html}`).not.toMatch(/evil|refund/i)
  expect(emails.at(-1)?.text).toContain('Device: Firefox on Linux')
})

describe('an account receives at most five notices of one kind per day,', () => {
  test('across all replicas, even if many are triggered simultaneously, and another kind still arrives', async () => {
    const replica = await startService({
      databaseUrl: service.app.config.database.url ?? '',
      clock: service.clock,
    })
    try {
      const account = await signUpVerified(service)
      const input = { identifier: account.email, password: PASSWORD }
      const replies = await Promise.all(
        Array.from({ length: 9 }, (_, at) =>
          (at % 2 ? service : replica).send(Login, { input: { ...input, deviceName: `${EVIL} ${at}` } }),
        ),
      )
      expect(replies.flatMap(codes)).toEqual([])
      expect(await noticesTo(account.email)).toEqual(Array(5).fill('new-device'))
      await flipPassword(account, 1)
      expect((await noticesTo(account.email)).slice(5)).toEqual(['password-changed'])
    } finally {
      await replica.close()
    }
  })

  test('even if the password changes repeatedly, and notices resume the next day', async () => {
    const account = await signUpVerified(service)
    await flipPassword(account, 8)
    expect(await noticesTo(account.email)).toEqual(Array(5).fill('password-changed'))
    service.clock.advance(86_401)
    await flipPassword(await signIn(service, account.email), 2)
    const changes = (await noticesTo(account.email)).filter(template => template === 'password-changed')
    expect(changes).toHaveLength(7)
  })

  test('and deleting the account deletes the count', async () => {
    const account = await signUpVerified(service)
    await flipPassword(account, 1)
    const { accessToken: token } = account
    expect(codes(await service.send(DeleteAccount, {}, { token }))).toEqual([])
    expect(await service.app.db.noticeQuota.count({ where: { userId: account.id } })).toBe(0)
  })
})

test('a change of address is refused once the limit for its notices is reached, because only a notice can undo it', async () => {
  const { email, accessToken: token } = await signUpVerified(service)
  const change = () => service.send(RequestEmailChange, { input: { newEmail: newAddress() } }, { token })
  for (let count = 0; count < 5; count++) expect(codes(await change())).toEqual([])
  expect(codes(await change())).toEqual(['RATE_LIMITED'])
  expect(await noticesTo(email)).toEqual(Array(5).fill('email-change-requested'))
})

test('sign-up and sign-in work without email', async () => {
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
