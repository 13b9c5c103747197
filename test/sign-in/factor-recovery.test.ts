import { describe, expect, test } from '@jest/globals'
import { remindOfRecoveries } from '../../src/sign-in/remind-of-recoveries.ts'
import { signUpVerified } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { emailedLogin, loginWithEmail, wrong } from '../support/email-login.ts'
import {
  firstStep,
  haveRecoveryCodes,
  haveTotp,
  mailedCode,
  secondStep,
  ticketOf,
} from '../support/factors.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import { CancelFactorRecovery, Link, RequestFactorRecovery, SendEmailCode } from '../support/operations.ts'
import { codes, startService, useService } from '../support/service.ts'
import { DAY, refresh } from '../support/sessions.ts'

const service = useService({
  settings: {
    FACTOR_RECOVERY_WAIT: '3d',
    EMAIL_LOGIN: 'on',
    LIMIT_MAIL_NETWORK: '10000/1h',
    LIMIT_MAIL_ADDRESS: '10000/1h',
  },
})

async function signUpWithTotp() {
  const account = await signUpVerified(service)
  return { ...account, app: await haveTotp(service, account.id) }
}

/** A sign-in with the password, and the code that was emailed for its ticket. */
async function proofs(email: string): Promise<{ ticket: string; emailCode: string }> {
  const ticket = await ticketOf(service, email)
  const sent = await service.send(SendEmailCode, { input: { ticket } })
  expect(codes(sent)).toEqual([])
  return { ticket, emailCode: await mailedCode(service, email) }
}

const request = (input: { ticket: string; emailCode: string }) =>
  service.send(RequestFactorRecovery, { input })
const cancel = (token: string) => service.send(CancelFactorRecovery, { input: { token } })
const waiting = (userId: string) => service.app.db.factorRecovery.count({ where: { userId } })
const factorsOf = async (userId: string) => [
  await service.app.db.totp.count({ where: { userId } }),
  await service.app.db.recoveryCode.count({ where: { userId } }),
]

describe('an owner who lost every factor', () => {
  test('recovers with password, emailed code and a wait, and must then add a factor', async () => {
    const account = await signUpWithTotp()
    await haveRecoveryCodes(service, account.id)
    const first = await request(await proofs(account.email))
    const readyAt = String(first.data?.requestFactorRecovery)
    const waitMs = Date.parse(readyAt) - service.clock.now().getTime()
    expect(Math.round(waitMs / 1000 / 60)).toBe((3 * DAY) / 60)
    expect(await factorsOf(account.id)).toEqual([1, 10])
    expect(await templatesTo(service, account.email)).toContain('factor-recovery')

    service.clock.advance(3 * DAY - 60)
    const early = await request(await proofs(account.email))
    expect(early.data?.requestFactorRecovery).toBe(readyAt)
    expect(await factorsOf(account.id)).toEqual([1, 10])

    service.clock.advance(120)
    expect((await request(await proofs(account.email))).data?.requestFactorRecovery).toBe(readyAt)
    expect(await factorsOf(account.id)).toEqual([0, 0])
    expect(codes(await refresh(service, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    const { data } = await firstStep(service, account.email)
    expect(data?.login.__typename).toBe('SecondFactorSetupRequired')
    expect(await templatesTo(service, account.email)).toContain('factors-recovered')
    expect(await actionsOf(service, account.id)).toEqual(
      expect.arrayContaining(['factor.recovery_requested', 'factor.recovered']),
    )
  })

  test('begins anew if the recovery was not completed within 7 days after the wait', async () => {
    const { id, email } = await signUpWithTotp()
    await request(await proofs(email))
    service.clock.advance(10 * DAY + 60)
    const { data } = await request(await proofs(email))
    expect(Date.parse(String(data?.requestFactorRecovery))).toBeGreaterThan(service.clock.now().getTime())
    expect(await factorsOf(id)).toEqual([1, 0])
  })
})

describe('halfway through the wait, the owner is reminded once', () => {
  const reminders = async (email: string) =>
    (await templatesTo(service, email)).filter(template => template === 'factor-recovery-reminder').length

  test('with a link that cancels the recovery, like the one of the first email', async () => {
    for (const which of ['first', 'second']) {
      const { id, email } = await signUpWithTotp()
      await request(await proofs(email))
      const first = await mailedToken(service, email, 'cancel-recovery')
      service.clock.advance(1.5 * DAY - 60)
      await remindOfRecoveries(service.app)
      expect(await reminders(email)).toBe(0)
      service.clock.advance(120)
      await Promise.all([remindOfRecoveries(service.app), remindOfRecoveries(service.app)])
      expect(await reminders(email)).toBe(1)
      const second = await mailedToken(service, email, 'cancel-recovery')
      expect(second).not.toBe(first)
      const token = which === 'first' ? first : second
      expect((await service.send(Link, { token })).data?.emailLink.purpose).toBe('CANCEL_FACTOR_RECOVERY')
      expect(codes(await cancel(token))).toEqual([])
      expect(await waiting(id)).toBe(0)
      expect([codes(await cancel(first)), codes(await cancel(second))]).toEqual([
        ['TOKEN_INVALID'],
        ['TOKEN_INVALID'],
      ])
    }
  })

  test('not if a factor, a completion or the end of the wait came first; a recovery that begins anew has its own', async () => {
    const { email, app } = await signUpWithTotp()
    await request(await proofs(email))
    service.clock.advance(DAY)
    expect(
      codes(await secondStep(service, await ticketOf(service, email), { totpCode: app.code() })),
    ).toEqual([])
    service.clock.advance(DAY)
    await remindOfRecoveries(service.app)
    expect(await reminders(email)).toBe(0)
    await request(await proofs(email))
    service.clock.advance(2 * DAY)
    await remindOfRecoveries(service.app)
    expect(await reminders(email)).toBe(1)

    const late = await signUpWithTotp()
    await request(await proofs(late.email))
    service.clock.advance(3 * DAY + 60)
    await remindOfRecoveries(service.app)
    expect(await reminders(late.email)).toBe(0)
  })
})

describe('the recovery is canceled', () => {
  test('by the link in the email, once', async () => {
    const { id, email } = await signUpWithTotp()
    await request(await proofs(email))
    const token = await mailedToken(service, email, 'cancel-recovery')
    expect((await service.send(Link, { token })).data?.emailLink).toMatchObject({
      purpose: 'CANCEL_FACTOR_RECOVERY',
      email,
    })
    expect((await cancel(token)).data?.cancelFactorRecovery).toBe(true)
    expect(await waiting(id)).toBe(0)
    for (const reply of [await cancel(token), await service.send(Link, { token })])
      expect(codes(reply)).toEqual(['TOKEN_INVALID'])
    expect(await actionsOf(service, id)).toContain('factor.recovery_canceled')
    service.clock.advance(3 * DAY + 60)
    const { data } = await request(await proofs(email))
    expect(Date.parse(String(data?.requestFactorRecovery))).toBeGreaterThan(service.clock.now().getTime())
  })

  test('by any sign-in with a factor during the wait', async () => {
    const { id, email, app } = await signUpWithTotp()
    await request(await proofs(email))
    service.clock.advance(DAY)
    expect(
      codes(await secondStep(service, await ticketOf(service, email), { totpCode: app.code() })),
    ).toEqual([])
    service.clock.advance(3 * DAY)
    const { data } = await request(await proofs(email))
    expect(Date.parse(String(data?.requestFactorRecovery))).toBeGreaterThan(service.clock.now().getTime())
    expect(await factorsOf(id)).toEqual([1, 0])
  })

  test('or completed, but not both: of a cancellation and a completion at the same time, one has its effect', async () => {
    const { id, email } = await signUpWithTotp()
    await request(await proofs(email))
    const token = await mailedToken(service, email, 'cancel-recovery')
    service.clock.advance(3 * DAY + 60)
    const completion = await proofs(email)
    const [completed, canceled] = await Promise.all([request(completion), cancel(token)])
    const [totp] = await factorsOf(id)
    const done = Date.parse(String(completed.data?.requestFactorRecovery)) <= service.clock.now().getTime()
    expect([done, totp]).toEqual(done ? [true, 0] : [false, 1])
    if (done) expect(codes(canceled)).toEqual(['TOKEN_INVALID'])
  })

  test.each(['', 'x', 'A'.repeat(43)])('by no other token (%#)', async token => {
    expect(codes(await cancel(token))).toEqual(['TOKEN_INVALID'])
  })
})

describe('a thief of the password', () => {
  test('begins nothing without the mailbox, and five wrong codes use up the emailed one', async () => {
    const { id, email } = await signUpWithTotp()
    const { ticket, emailCode } = await proofs(email)
    for (let by = 1; by <= 5; by++)
      expect(codes(await request({ ticket, emailCode: wrong(emailCode, by) }))).toEqual(['CODE_INVALID'])
    expect(codes(await request({ ticket, emailCode }))).toEqual(['CODE_INVALID'])
    expect(await waiting(id)).toBe(0)
  })

  test('uses a code once, and only with the ticket that it was sent for', async () => {
    const { id, email } = await signUpWithTotp()
    const { ticket, emailCode } = await proofs(email)
    const other = await ticketOf(service, email)
    expect(codes(await request({ ticket: other, emailCode }))).toEqual(['CODE_INVALID'])
    const replies = await Promise.all(Array.from({ length: 4 }, () => request({ ticket, emailCode })))
    expect(replies.filter(({ data }) => data)).toHaveLength(1)
    expect(await waiting(id)).toBe(1)
  })
})

describe('no recovery begins', () => {
  test('with the mailbox alone', async () => {
    const { id, email } = await signUpWithTotp()
    const reply = await loginWithEmail(service, { token: (await emailedLogin(service, email)).token })
    if (reply.data?.loginWithEmail.__typename !== 'SecondFactorRequired')
      throw new Error('no factor demanded')
    const { ticket } = reply.data.loginWithEmail
    await service.send(SendEmailCode, { input: { ticket } })
    const emailCode = await mailedCode(service, email)
    expect(codes(await request({ ticket, emailCode }))).toEqual(['CONFLICT'])
    expect(await waiting(id)).toBe(0)
  })

  test('for an account whose role demands a second factor', async () => {
    const { id, email } = await signUpWithTotp()
    const name = `strict-${id.slice(-8)}`
    const secondFactorRequiredFrom = service.clock.now()
    await service.app.db.role.create({ data: { name, permissions: [], secondFactorRequiredFrom } })
    await service.app.db.userRole.create({ data: { userId: id, roleName: name } })
    expect(codes(await request(await proofs(email)))).toEqual(['CONFLICT'])
    expect(await waiting(id)).toBe(0)
  })

  test('without a ticket of a sign-in, nor after the account has changed', async () => {
    const { id, email } = await signUpWithTotp()
    expect(codes(await request({ ticket: 'x', emailCode: '123456' }))).toEqual(['TICKET_INVALID'])
    const given = await proofs(email)
    await service.app.db.user.update({ where: { id }, data: { credentialVersion: { increment: 1 } } })
    expect(codes(await request(given))).toEqual(['TICKET_INVALID'])
  })

  test('unless FACTOR_RECOVERY_WAIT is set', async () => {
    const { email } = await signUpWithTotp()
    const given = await proofs(email)
    const databaseUrl = service.app.config.database.url ?? ''
    const off = await startService({ databaseUrl, clock: service.clock })
    try {
      expect(codes(await off.send(RequestFactorRecovery, { input: given }))).toEqual(['CONFLICT'])
      const { ticket } = given
      expect(codes(await off.send(SendEmailCode, { input: { ticket } }))).toEqual(['TICKET_INVALID'])
    } finally {
      await off.close()
    }
  })
})
