import { describe, expect, test } from '@jest/globals'
import { liveSessions } from '../../src/sessions/list-sessions.ts'
import { login, newAddress, PASSWORD, type SignedIn, signUp, signUpVerified } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { haveRecoveryCodes, haveTotp } from '../support/factors.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import {
  ChangePassword,
  ConfirmEmailChange,
  Me,
  Reauthenticate,
  Register,
  RequestEmailChange,
  RequestPasswordReset,
  ResetPassword,
  UndoEmailChange,
} from '../support/operations.ts'
import { havePasskey, passkeyLogin, passkeyProblem } from '../support/passkeys.ts'
import { meet, whileHolding } from '../support/race.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, type Reply, useService } from '../support/service.ts'
import { DAY, HOUR, stateOf } from '../support/sessions.ts'

const service = useService({ settings: { LIMIT_MAIL_NETWORK: '1000/1h', LIMIT_TOKEN_NETWORK: '1000/1h' } })

const request = ({ accessToken: token }: SignedIn, email: string) =>
  service.send(RequestEmailChange, { input: { newEmail: email } }, { token })
const confirm = (token: string) => service.send(ConfirmEmailChange, { input: { token } })
const undo = (token: string) => service.send(UndoEmailChange, { input: { token } })
const userOf = ({ id }: { id: string }) => service.app.db.user.findUniqueOrThrow({ where: { id } })

/** An account that has requested a change of address, with the tokens from both emails. */
async function asked(account?: SignedIn, to = newAddress()) {
  const owner = account ?? (await signUpVerified(service))
  const old = (await userOf(owner)).email
  const { data } = await request(owner, to)
  expect(data?.requestEmailChange).toBe(true)
  const confirmToken = await mailedToken(service, to, 'confirm-email')
  const undoToken = await mailedToken(service, old, 'undo-email')
  return { owner, old, to, confirmToken, undoToken }
}

test('the address changes only when the link sent to the new address is confirmed', async () => {
  const { owner, old, to, confirmToken } = await asked()
  expect((await userOf(owner)).email).toBe(old)
  const { data, errors } = await confirm(confirmToken)
  expect([errors, data?.confirmEmailChange]).toEqual([[], { id: owner.id, email: to, emailVerified: true }])
  expect(codes(await login(service, { identifier: to }))).toEqual([])
  expect(codes(await login(service, { identifier: old }))).toEqual(['INVALID_CREDENTIALS'])
  expect(await stateOf(service, owner.accessToken)).toBe('LIVE')
  expect(await templatesTo(service, old)).toEqual(['verify-email', 'email-change-requested', 'email-changed'])
  expect(codes(await confirm(confirmToken))).toEqual(['TOKEN_INVALID'])
  expect((await actionsOf(service, owner.id)).slice(2, 4)).toEqual([
    'user.email_change_requested',
    'user.email_changed',
  ])
})

test('the address keeps its spelling', async () => {
  const to = newAddress('Ada')
  const { owner, confirmToken } = await asked(undefined, to)
  await confirm(confirmToken)
  expect(await userOf(owner)).toMatchObject({ email: to, emailCanonical: to.toLowerCase() })
})

test('it requires a sign-in within the last 10 minutes, or the password again', async () => {
  const account = await signUp(service)
  service.clock.advance(540)
  expect(codes(await request(account, newAddress()))).toEqual([])
  service.clock.advance(30)
  expect(codes(await request(account, newAddress()))).toEqual([])
  service.clock.advance(31)
  const sending = { token: (await refreshedToken(account)) ?? '' }
  const send = () => service.send(RequestEmailChange, { input: { newEmail: newAddress() } }, sending)
  expect(codes(await send())).toEqual(['REAUTHENTICATION_REQUIRED'])
  await service.send(Reauthenticate, { input: { password: PASSWORD } }, sending)
  expect(codes(await send())).toEqual([])
})

async function refreshedToken({ refreshToken }: SignedIn): Promise<string | undefined> {
  const { data } = await service.send<{ refreshToken: { accessToken: string } }, object>(
    `mutation { refreshToken(input: { refreshToken: "${refreshToken}" }) { accessToken } }`,
  )
  return data?.refreshToken.accessToken
}

test.each(['invalid', ''])('an invalid address is rejected: %j', async email => {
  expect(refusedFields(await request(await signUp(service), email))).toHaveProperty(['input.newEmail'])
})

test('your current address is rejected in any spelling', async () => {
  const account = await signUp(service)
  expect(refusedFields(await request(account, ` ${account.email.toUpperCase()}`))).toEqual({
    'input.newEmail': ['This is already your email address.'],
  })
})

test.each([
  [
    'the password is reset',
    async (account: SignedIn) => {
      await service.send(RequestPasswordReset, { input: { email: account.email } })
      const token = await mailedToken(service, account.email, 'reset-password')
      return () => service.send(ResetPassword, { input: { token, newPassword: 'eighteen copper kettles' } })
    },
  ],
  [
    'a change is undone',
    async (account: SignedIn) => {
      const { undoToken } = await asked(account)
      return () => undo(undoToken)
    },
  ],
] as const)('a request in progress while %s leaves no link behind', async (_how, prepare) => {
  const account = await signUpVerified(service)
  const undoOrReset = await prepare(account)
  const lock = `SELECT FROM rate_limits WHERE key LIKE 'mail.network:%' FOR UPDATE`
  const to = newAddress()
  const met = await whileHolding(service.app.config.database.url ?? '', lock, async waiting => {
    const requested = request(account, to)
    await waiting(1)
    expect(codes(await undoOrReset())).toEqual([])
    return [requested]
  })
  expect((await Promise.all(met)).flatMap(codes)).toEqual(['REAUTHENTICATION_REQUIRED'])
  const where = { userId: account.id, purpose: { in: ['email-change', 'email-undo'] }, usedAt: null }
  expect(await service.app.db.emailToken.count({ where })).toBe(0)
  expect(await templatesTo(service, to)).toEqual([])
})

describe('an address with another account', () => {
  test('gets the same answer as a free one, its owner receives a notice, and nothing changes', async () => {
    const [account, other] = [await signUp(service), await signUp(service)]
    const facts = async (email: string) => {
      const { status, data, errors, headers } = await request(account, email)
      return { status, data, errors, length: headers.get('content-length') }
    }
    expect(await facts(other.email)).toEqual(await facts(newAddress()))
    expect(await templatesTo(service, other.email)).toEqual(['verify-email', 'already-registered'])
  })

  test('that was created in the meantime keeps it, and the holder of the link gets EMAIL_TAKEN', async () => {
    const { owner, old, to, confirmToken } = await asked()
    const other = await signUp(service, { email: to })
    expect(codes(await confirm(confirmToken))).toEqual(['EMAIL_TAKEN'])
    expect([(await userOf(owner)).email, (await userOf(other)).email]).toEqual([old, to])
  })

  test('goes to one of two accounts that confirm it simultaneously', async () => {
    const to = newAddress()
    const [one, two] = [await asked(undefined, to), await asked(undefined, to)]
    const replies = await Promise.all([confirm(one.confirmToken), confirm(two.confirmToken)])
    expect(replies.flatMap(codes)).toEqual(['EMAIL_TAKEN'])
    expect(await service.app.db.user.count({ where: { emailCanonical: to } })).toBe(1)
  })
})

describe('the link to confirm', () => {
  test('is valid for an hour', async () => {
    const { confirmToken } = await asked()
    service.clock.advance(HOUR)
    expect(codes(await confirm(confirmToken))).toEqual(['TOKEN_INVALID'])
  })

  test('is valid until another change is requested', async () => {
    const { owner, confirmToken } = await asked()
    const second = await asked(owner)
    expect(codes(await confirm(confirmToken))).toEqual(['TOKEN_INVALID'])
    expect(codes(await confirm(second.confirmToken))).toEqual([])
  })

  test('is valid until the password changes', async () => {
    const { owner, confirmToken } = await asked()
    const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' }
    await service.send(ChangePassword, { input }, { token: owner.accessToken })
    expect(codes(await confirm(confirmToken))).toEqual(['TOKEN_INVALID'])
  })

  test('is invalid for a disabled account', async () => {
    const { owner, confirmToken, undoToken } = await asked()
    const data = { disabledAt: service.clock.now() }
    await service.app.db.user.update({ where: { id: owner.id }, data })
    expect(codes(await confirm(confirmToken))).toEqual(['ACCOUNT_DISABLED'])
    expect(codes(await undo(undoToken))).toEqual(['ACCOUNT_DISABLED'])
  })

  test('ends earlier links to set a password', async () => {
    const { old, confirmToken } = await asked()
    await service.send(RequestPasswordReset, { input: { email: old } })
    const token = await mailedToken(service, old, 'reset-password')
    await confirm(confirmToken)
    const input = { token, newPassword: 'eighteen copper kettles' }
    expect(codes(await service.send(ResetPassword, { input }))).toEqual(['TOKEN_INVALID'])
  })
})

describe('the link to undo, in the email to the old address,', () => {
  test('removes the second factors that were added since, and keeps those from before', async () => {
    const owner = await signUpVerified(service)
    const before = await havePasskey(service, owner.id, { discoverable: false })
    service.clock.advance(60)
    // The session has proved its security key: a thief of a session that has not cannot ask for a change.
    const proved = { passwordAt: service.clock.now(), keyAt: service.clock.now() }
    await service.app.db.session.updateMany({ where: { userId: owner.id }, data: proved })
    const { old, confirmToken } = await asked(owner)
    service.clock.advance(60)
    await haveTotp(service, owner.id)
    await havePasskey(service, owner.id)
    await haveRecoveryCodes(service, owner.id)
    await confirm(confirmToken)
    expect(codes(await undo(await mailedToken(service, old, 'undo-email')))).toEqual([])
    const where = { userId: owner.id }
    const { totp, recoveryCode, passkey } = service.app.db
    expect([await totp.count({ where }), await recoveryCode.count({ where })]).toEqual([0, 0])
    const left = await passkey.findMany({ where })
    expect(left.map(({ credentialId }) => Buffer.from(credentialId).toString('base64url'))).toEqual([
      before.id,
    ])
  })

  /** Expects no password and no sessions, and that the old address can set a new password. */
  async function expectRescued(owner: SignedIn, old: string): Promise<void> {
    expect(await userOf(owner)).toMatchObject({ email: old, passwordHash: null })
    expect(await liveSessions(service.app, owner.id)).toEqual([])
    expect(codes(await login(service, { identifier: old }))).toEqual(['INVALID_CREDENTIALS'])
    const input = {
      token: await mailedToken(service, old, 'reset-password'),
      newPassword: 'eighteen copper kettles',
    }
    expect(codes(await service.send(ResetPassword, { input }))).toEqual([])
    expect(codes(await login(service, { identifier: old, password: input.newPassword }))).toEqual([])
  }

  test('of an account without a password ends the sessions and what was added since, and its owner signs in as before', async () => {
    const owner = await signUpVerified(service)
    const before = await havePasskey(service, owner.id)
    await service.app.db.user.update({
      where: { id: owner.id },
      data: { passwordHash: null, passwordChangedAt: null },
    })
    await service.app.db.session.update({
      where: { id: owner.sessionId },
      data: { passkeyAt: service.clock.now() },
    })
    const { old, confirmToken, undoToken } = await asked(owner)
    service.clock.advance(60)
    await confirm(confirmToken)
    const thiefs = await havePasskey(service, owner.id)
    await haveIdentity(owner.id)
    expect(codes(await undo(undoToken))).toEqual([])
    expect(await userOf(owner)).toMatchObject({ email: old, passwordHash: null })
    expect(await liveSessions(service.app, owner.id)).toEqual([])
    expect(await service.app.db.identity.count({ where: { userId: owner.id } })).toBe(0)
    expect(passkeyProblem(await passkeyLogin(service, thiefs))).toBe('PASSKEY_INVALID UNKNOWN')
    expect(codes(await passkeyLogin(service, before))).toEqual([])
    const templates = await templatesTo(service, old)
    expect(templates).toContain('email-change-undone')
    expect(templates).not.toContain('reset-password')
  })

  test('of an account without a password that has nothing else from before sends a link to set one', async () => {
    const owner = await signUpVerified(service)
    await service.app.db.user.update({ where: { id: owner.id }, data: { passwordHash: null } })
    const { old, undoToken } = await asked(owner)
    await havePasskey(service, owner.id)
    expect(codes(await undo(undoToken))).toEqual([])
    await expectRescued(owner, old)
  })

  async function haveIdentity(userId: string): Promise<void> {
    const at = service.clock.now()
    const data = { id: crypto.randomUUID(), userId, provider: 'corp', issuer: 'https://corp.example.com' }
    await service.app.db.identity.create({
      data: { ...data, subject: crypto.randomUUID(), createdAt: at, lastUsedAt: at },
    })
  }

  test('cancels the change before it is confirmed', async () => {
    const { owner, old, confirmToken, undoToken } = await asked()
    const { data, errors } = await undo(undoToken)
    expect([errors, data?.undoEmailChange]).toMatchObject([[], { id: owner.id, email: old }])
    expect(codes(await confirm(confirmToken))).toEqual(['TOKEN_INVALID'])
    await expectRescued(owner, old)
    expect(codes(await undo(undoToken))).toEqual(['TOKEN_INVALID'])
  })

  test('restores the address after the change is confirmed', async () => {
    const { owner, old, to, confirmToken, undoToken } = await asked()
    await confirm(confirmToken)
    service.clock.advance(DAY)
    expect(codes(await undo(undoToken))).toEqual([])
    await expectRescued(owner, old)
    expect(codes(await login(service, { identifier: to }))).toEqual(['INVALID_CREDENTIALS'])
    expect((await actionsOf(service, owner.id)).includes('user.email_change_undone')).toBe(true)
  })

  test('in the notice of the completed change is valid for 7 days', async () => {
    const { owner, old, confirmToken } = await asked()
    await confirm(confirmToken)
    const token = await mailedToken(service, old, 'undo-email')
    service.clock.advance(7 * DAY - 60)
    expect(codes(await undo(token))).toEqual([])
    await expectRescued(owner, old)
  })

  test('expires after 7 days', async () => {
    const { undoToken } = await asked()
    service.clock.advance(7 * DAY)
    expect(codes(await undo(undoToken))).toEqual(['TOKEN_INVALID'])
  })

  test('survives what a thief does next: another password and another address', async () => {
    const { owner, old, to, confirmToken, undoToken } = await asked()
    await confirm(confirmToken)
    const input = { currentPassword: PASSWORD, newPassword: 'a password of the thief' }
    await service.send(ChangePassword, { input }, { token: owner.accessToken })
    const next = await asked(owner)
    await confirm(next.confirmToken)
    // The thief's own link, to the intermediate address, must not end the owner's.
    expect(codes(await undo(await mailedToken(service, to, 'undo-email')))).toEqual([])
    expect(codes(await undo(undoToken))).toEqual([])
    await expectRescued(owner, old)
  })

  test('ends the links of later owners', async () => {
    const { owner, old, to, confirmToken, undoToken } = await asked()
    await confirm(confirmToken)
    await asked(owner)
    const later = await mailedToken(service, to, 'undo-email')
    expect(codes(await undo(undoToken))).toEqual([])
    expect(codes(await undo(later))).toEqual(['TOKEN_INVALID'])
    expect((await userOf(owner)).email).toBe(old)
  })

  test('prevents other registrations of the old address while it is valid', async () => {
    const { owner, old, confirmToken, undoToken } = await asked()
    await confirm(confirmToken)
    const register = () => service.send(Register, { input: { email: old, password: PASSWORD } })
    expect(codes(await register())).toEqual(['EMAIL_TAKEN'])
    expect(codes(await undo(undoToken))).toEqual([])
    await expectRescued(owner, old)

    const other = await asked()
    await confirm(other.confirmToken)
    service.clock.advance(7 * DAY)
    expect((await signUp(service, { email: other.old })).id).not.toBe(other.owner.id)
  })

  test('works once, even if it is used many times simultaneously', async () => {
    const { owner, old, undoToken } = await asked()
    const replies = await Promise.all(Array.from({ length: 6 }, () => undo(undoToken)))
    expect(replies.flatMap(codes)).toEqual(Array(5).fill('TOKEN_INVALID'))
    await expectRescued(owner, old)
  })

  test('wins over a simultaneous confirmation, whichever comes first', async () => {
    for (const undoFirst of [true, false]) {
      const { owner, old, confirmToken, undoToken } = await asked()
      const undoing: () => Promise<Pick<Reply<unknown>, 'errors'>> = () => undo(undoToken)
      const confirming: typeof undoing = () => confirm(confirmToken)
      const [first, second] = undoFirst ? [undoing, confirming] : [confirming, undoing]
      const replies = await meet(service, { table: 'users', id: owner.id }, first, second)
      expect(replies.map(codes)).toEqual(undoFirst ? [[], ['TOKEN_INVALID']] : [[], []])
      await expectRescued(owner, old)
    }
  })

  test('shows the account to its holder', async () => {
    const { owner, undoToken } = await asked()
    const { data, errors } = await undo(undoToken)
    expect([errors, data?.undoEmailChange.id]).toEqual([[], owner.id])
    expect(codes(await service.send(Me, {}, { token: owner.accessToken }))).toEqual(['UNAUTHENTICATED'])
  })
})
