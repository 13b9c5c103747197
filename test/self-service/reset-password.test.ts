import { describe, expect, test } from '@jest/globals'
import { issueToken } from '../../src/one-time-tokens/token.ts'
import { liveSessions } from '../../src/sessions/list-sessions.ts'
import { login, newAddress, PASSWORD, type SignedIn, signIn, signUp } from '../support/actors.ts'
import { actionsOf, auditOf } from '../support/audit.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import { ChangePassword, RequestPasswordReset, ResetPassword } from '../support/operations.ts'
import { meet } from '../support/race.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, type Reply, useService } from '../support/service.ts'
import { expectDead, FIREFOX } from '../support/sessions.ts'

const service = useService({ settings: { LIMIT_MAIL_NETWORK: '1000/1h', LIMIT_TOKEN_NETWORK: '1000/1h' } })

const NEW = 'eighteen copper kettles'
const request = (email: string) =>
  service.send(RequestPasswordReset, { input: { email } }, { headers: { 'user-agent': FIREFOX } })
const reset = (token: string, newPassword = NEW) =>
  service.send(ResetPassword, { input: { token, newPassword } })
const userOf = ({ id }: { id: string }) => service.app.db.user.findUniqueOrThrow({ where: { id } })

/** The token of a link that the account has just requested. */
async function asked({ email }: { email: string }): Promise<string> {
  expect((await request(email)).data?.requestPasswordReset).toBe(true)
  return mailedToken(service, email, 'reset-password')
}

test('a link sets a new password, verifies the address and ends every session', async () => {
  const account = await signUp(service)
  const other = await signIn(service, account.email)
  expect((await reset(await asked(account))).data?.resetPassword).toBe(true)
  for (const session of [account, other]) await expectDead(service, session)
  expect(codes(await login(service, { identifier: account.email }))).toEqual(['INVALID_CREDENTIALS'])
  expect(codes(await login(service, { identifier: account.email, password: NEW }))).toEqual([])
  expect((await userOf(account)).emailVerifiedAt).toEqual(expect.any(Date))
  const actions = await actionsOf(service, account.id)
  expect(actions.slice(-7, -2)).toEqual([
    'user.reset_requested',
    'user.email_verified',
    'user.credentials_removed',
    'session.revoked',
    'user.password_reset',
  ])
})

test('the email says where the request came from, and the owner is notified of the change', async () => {
  const account = await signUp(service)
  await reset(await asked(account))
  const emails = await service.mailsTo(account.email)
  expect(emails.map(({ subject }) => subject)).toEqual([
    'Confirm your email address for Authograph',
    'Set a new password for Authograph',
    'Your password at Authograph has changed',
  ])
  expect(emails[1]?.text).toMatch(/Device: Firefox on Linux\nIP address: 127\.0\.0\.1/)
})

test('a link goes to the address as the account has it, not as the request spells it', async () => {
  const email = newAddress('Ada')
  await signUp(service, { email })
  await request(` ${email.toUpperCase()} `)
  expect(await templatesTo(service, email)).toEqual(['verify-email', 'reset-password'])
})

describe('a link is valid', () => {
  test('once', async () => {
    const token = await asked(await signUp(service))
    expect(codes(await reset(token))).toEqual([])
    expect(codes(await reset(token, 'nineteen silver spoons'))).toEqual(['TOKEN_INVALID'])
  })

  test('once, even if it is used many times simultaneously', async () => {
    const account = await signUp(service)
    const token = await asked(account)
    const passwords = Array.from({ length: 6 }, (_, at) => `${NEW} ${at}`)
    const replies = await Promise.all(passwords.map(password => reset(token, password)))
    expect(replies.flatMap(codes)).toEqual(Array(5).fill('TOKEN_INVALID'))
    const winner = passwords[replies.findIndex(({ errors }) => errors.length === 0)] ?? ''
    expect(codes(await login(service, { identifier: account.email, password: winner }))).toEqual([])
  })

  test('until a newer one is requested', async () => {
    const account = await signUp(service)
    const [older, newer] = [await asked(account), await asked(account)]
    expect(codes(await reset(older))).toEqual(['TOKEN_INVALID'])
    expect(codes(await reset(newer))).toEqual([])
  })

  test('for 30 minutes', async () => {
    const token = await asked(await signUp(service))
    service.clock.advance(1800)
    expect(codes(await reset(token))).toEqual(['TOKEN_INVALID'])
  })

  test('until the password is changed', async () => {
    const account = await signUp(service)
    const token = await asked(account)
    const input = { currentPassword: PASSWORD, newPassword: NEW }
    await service.send(ChangePassword, { input }, { token: account.accessToken })
    expect(codes(await reset(token, 'nineteen silver spoons'))).toEqual(['TOKEN_INVALID'])
    expect(codes(await login(service, { identifier: account.email, password: NEW }))).toEqual([])
  })

  test('as long as the account has the address that it was sent to', async () => {
    const account = await signUp(service)
    const token = await asked(account)
    const emailCanonical = newAddress()
    await service.app.db.user.update({ where: { id: account.id }, data: { emailCanonical } })
    expect(codes(await reset(token))).toEqual(['TOKEN_INVALID'])
  })

  test('until the account is deleted', async () => {
    const account = await signUp(service)
    const token = await asked(account)
    await service.app.db.user.delete({ where: { id: account.id } })
    expect(codes(await reset(token))).toEqual(['TOKEN_INVALID'])
  })
})

test.each(['password1', 'short', 'x'.repeat(200)])(
  'a rejected password does not use up the token: %s',
  async bad => {
    const account = await signUp(service)
    const token = await asked(account)
    expect(refusedFields(await reset(token, bad))).toEqual({ 'input.newPassword': [expect.any(String)] })
    expect(codes(await login(service, { identifier: account.email }))).toEqual([])
    expect(codes(await reset(token))).toEqual([])
  },
)

test('a password based on the account’s names is rejected', async () => {
  const email = newAddress('wilhelmina')
  const token = await asked(await signUp(service, { email }))
  expect(refusedFields(await reset(token, 'wilhelmina1'))).toEqual({
    'input.newPassword': ['Do not base the password on your name, username, or email address.'],
  })
})

test('the current password is refused, and the link stays valid for another one', async () => {
  const account = await signUp(service)
  const token = await asked(account)
  expect(refusedFields(await reset(token, PASSWORD))).toEqual({
    'input.newPassword': ['This is your current password. Choose a different one.'],
  })
  expect(codes(await reset(token))).toEqual([])
})

test('a reset works for a locked account, and unlocks it', async () => {
  const account = await signUp(service)
  for (let count = 0; count < 25; count++)
    await login(service, { identifier: account.email, password: 'wrong' })
  expect(codes(await login(service, { identifier: account.email }))).toEqual(['RATE_LIMITED'])
  expect(codes(await reset(await asked(account)))).toEqual([])
  expect(codes(await login(service, { identifier: account.email, password: NEW }))).toEqual([])
})

describe('a disabled account', () => {
  const disable = ({ id }: SignedIn) =>
    service.app.db.user.update({ where: { id }, data: { disabledAt: service.clock.now() } })

  test('receives no link, and the answer does not reveal that', async () => {
    const account = await signUp(service)
    await disable(account)
    expect((await request(account.email)).data?.requestPasswordReset).toBe(true)
    expect(await templatesTo(service, account.email)).toEqual(['verify-email'])
  })

  test('is not reset by an earlier link', async () => {
    const account = await signUp(service)
    const token = await asked(account)
    await disable(account)
    const before = await userOf(account)
    expect(codes(await reset(token))).toEqual(['ACCOUNT_DISABLED'])
    expect(await userOf(account)).toEqual(before)
  })
})

test('an invitation sets the first password and ends a reset that was requested in the meantime', async () => {
  const account = await signUp(service)
  const { id, email } = account
  await service.app.db.user.update({ where: { id }, data: { passwordHash: null } })
  const invitation = await issueToken(service.app, service.app.db, {
    purpose: 'invitation',
    subject: id,
    userId: id,
    emailCanonical: email,
  })
  const token = await asked(account)
  expect(codes(await reset(invitation.token))).toEqual([])
  expect(codes(await login(service, { identifier: email, password: NEW }))).toEqual([])
  expect(codes(await reset(token))).toEqual(['TOKEN_INVALID'])
  expect(await userOf(account)).toMatchObject({ emailVerifiedAt: expect.any(Date) })
})

describe('of a simultaneous reset and change of the password, the first wins:', () => {
  const race = async (resetFirst: boolean) => {
    const account = await signUp(service)
    const token = await asked(account)
    const resetting: () => Promise<Pick<Reply<unknown>, 'errors'>> = () => reset(token)
    const change: typeof resetting = () =>
      service.send(
        ChangePassword,
        { input: { currentPassword: PASSWORD, newPassword: 'nineteen silver spoons' } },
        { token: account.accessToken },
      )
    const [first, second] = resetFirst ? [resetting, change] : [change, resetting]
    const replies = await meet(service, { table: 'users', id: account.id }, first, second)
    const works = async (password: string) =>
      codes(await login(service, { identifier: account.email, password })).length === 0
    return [...replies.map(codes), await works(NEW), await works('nineteen silver spoons')]
  }

  test('the reset', async () => {
    expect(await race(true)).toEqual([[], ['INVALID_CREDENTIALS'], true, false])
  })

  test('the change', async () => {
    expect(await race(false)).toEqual([[], ['TOKEN_INVALID'], false, true])
  })
})

test('a sign-in that verified the old password starts no session after the reset', async () => {
  const account = await signUp(service)
  const token = await asked(account)
  const row = { table: 'users', id: account.id } as const
  const [resetReply, loginReply] = await meet(
    service,
    row,
    () => reset(token),
    () => login(service, { identifier: account.email }),
  )
  expect([codes(resetReply), codes(loginReply)]).toEqual([[], ['INVALID_CREDENTIALS']])
  expect(await liveSessions(service.app, account.id)).toEqual([])
})

test('each request is recorded, even for an address without an account', async () => {
  const account = await signUp(service)
  await asked(account)
  expect((await auditOf(service, account.id)).at(-1)).toMatchObject({
    action: 'user.reset_requested',
    actorId: null,
    ipAddress: '127.0.0.1',
  })
  const where = { action: 'user.reset_requested', subjectId: null }
  const before = await service.app.db.auditEvent.count({ where })
  await request(newAddress())
  expect(await service.app.db.auditEvent.count({ where })).toBe(before + 1)
})

test('a reset requires an address', async () => {
  expect(refusedFields(await request('invalid'))).toHaveProperty(['input.email'])
})
