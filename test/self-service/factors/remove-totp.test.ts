import { describe, expect, test } from '@jest/globals'
import {
  as,
  newRole,
  type SignedIn,
  signIn,
  signUp,
  signUpAdmin,
  signUpVerified,
} from '../../support/actors.ts'
import { actionsOf } from '../../support/audit.ts'
import { addTotp, firstStep, secondStep, ticketOf } from '../../support/factors.ts'
import { templatesTo } from '../../support/mails.ts'
import { FactorsOf, RemoveTotp, RenewRecoveryCodes } from '../../support/operations.ts'
import { codes, useService } from '../../support/service.ts'
import { DAY, MINUTE, refreshed, stateOf } from '../../support/sessions.ts'

const service = useService()

async function withTotp() {
  const { email } = await signUpVerified(service)
  return addTotp(service, await signIn(service, email))
}

/** The account in its session, 11 minutes later. */
async function later<Account extends SignedIn>(account: Account): Promise<Account> {
  service.clock.advance(11 * MINUTE)
  return { ...account, ...(await refreshed(service, account.refreshToken)) }
}

const remove = (account: SignedIn) => service.send(RemoveTotp, {}, as(account))
const renew = (account: SignedIn) => service.send(RenewRecoveryCodes, {}, as(account))

describe('removing the authenticator app', () => {
  test('takes a recent second factor: a thief of the session cannot', async () => {
    const account = await later(await withTotp())
    const refused = await remove(account)
    expect(codes(refused)).toEqual(['STEP_UP_REQUIRED'])
    expect(refused.errors[0]?.extensions.accepts).toEqual([
      ['PASSWORD', 'TOTP'],
      ['PASSWORD', 'RECOVERY_CODE'],
    ])
  })

  test('makes the password enough again, deletes the recovery codes and notifies the owner', async () => {
    const account = await withTotp()
    const { data, errors } = await remove(account)
    expect(errors).toEqual([])
    expect(data?.removeTotp).toEqual({
      id: account.id,
      hasTotp: false,
      secondFactorRequired: false,
      recoveryCodesLeft: 0,
    })
    expect((await firstStep(service, account.email)).data?.login.__typename).toBe('AuthPayload')
    expect(await templatesTo(service, account.email)).toContain('factor-removed')
    expect(await actionsOf(service, account.id)).toContain('factor.removed')
    expect(codes(await remove(account))).toEqual(['NOT_FOUND'])
  })

  test('ends the other sessions, the tickets and the trust in devices', async () => {
    const account = await withTotp()
    const ticket = await ticketOf(service, account.email)
    const other = await secondStep(service, await ticketOf(service, account.email), {
      totpCode: account.app.code(1),
    })
    const trustedUntil = new Date(service.clock.now().getTime() + DAY * 1000)
    await service.app.db.device.updateMany({ where: { userId: account.id }, data: { trustedUntil } })
    expect(codes(await remove(account))).toEqual([])
    expect(await stateOf(service, other.data?.completeLogin.accessToken)).toBe('REVOKED')
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    const [recoveryCode = ''] = account.recoveryCodes
    expect(codes(await secondStep(service, ticket, { recoveryCode }))).toEqual(['TICKET_INVALID'])
    const trusted = { userId: account.id, trustedUntil: { not: null } }
    expect(await service.app.db.device.count({ where: trusted })).toBe(0)
  })

  test('is refused for the last factor while a role or the owner requires one', async () => {
    const account = await withTotp()
    const { db } = service.app
    const role = await newRole(service)
    await db.role.update({ where: { name: role }, data: { secondFactorRequiredFrom: service.clock.now() } })
    await db.userRole.create({ data: { userId: account.id, roleName: role } })
    expect(codes(await remove(account))).toEqual(['CONFLICT'])
    await db.userRole.delete({ where: { userId_roleName: { userId: account.id, roleName: role } } })
    await db.user.update({ where: { id: account.id }, data: { secondFactorRequired: true } })
    expect(codes(await remove(account))).toEqual(['CONFLICT'])
    expect(await db.totp.count({ where: { userId: account.id } })).toBe(1)
  })

  test('ten times in parallel removes it once', async () => {
    const account = await withTotp()
    const replies = await Promise.all(Array.from({ length: 10 }, () => remove(account)))
    expect(replies.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
  })

  test('requires a session', async () => {
    expect(codes(await service.send(RemoveTotp, {}))).toEqual(['UNAUTHENTICATED'])
  })
})

describe('new recovery codes', () => {
  test('replace the earlier ones, and the owner receives an email', async () => {
    const account = await withTotp()
    const { data, errors } = await renew(account)
    expect(errors).toEqual([])
    const fresh = data?.renewRecoveryCodes ?? []
    expect(new Set([...fresh, ...account.recoveryCodes]).size).toBe(20)
    const tryCode = async (recoveryCode = '') =>
      codes(await secondStep(service, await ticketOf(service, account.email), { recoveryCode }))
    expect(await tryCode(account.recoveryCodes[0])).toEqual(['CODE_INVALID'])
    expect(await tryCode(fresh[0])).toEqual([])
    expect(await templatesTo(service, account.email)).toContain('recovery-codes-renewed')
    expect(await actionsOf(service, account.id)).toContain('recovery_code.renewed')
  })

  test('take a recent second factor, and a factor that they recover', async () => {
    expect(codes(await renew(await later(await withTotp())))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await renew(await signUp(service)))).toEqual(['CONFLICT'])
    expect(codes(await service.send(RenewRecoveryCodes, {}))).toEqual(['UNAUTHENTICATED'])
  })

  test('requested in parallel are those of one request', async () => {
    const account = await withTotp()
    const replies = await Promise.all([renew(account), renew(account), renew(account)])
    const sets = replies.flatMap(({ data }) => (data ? [data.renewRecoveryCodes] : []))
    const last = sets.at(-1)
    expect(sets.length).toBeGreaterThanOrEqual(1)
    const stored = await service.app.db.recoveryCode.findMany({ where: { userId: account.id } })
    expect(stored).toHaveLength(10)
    const [recoveryCode = ''] = last ?? []
    if (sets.length === 1)
      expect(
        codes(await secondStep(service, await ticketOf(service, account.email), { recoveryCode })),
      ).toEqual([])
  })
})

test('the owner and administrators see the factors of an account, and no one else', async () => {
  const account = await withTotp()
  const admin = await signUpAdmin(service)
  const factors = {
    id: account.id,
    hasPassword: true,
    secondFactorRequired: true,
    hasTotp: true,
    recoveryCodesLeft: 10,
  }
  for (const viewer of [account, admin]) {
    const { data } = await service.send(FactorsOf, { id: account.id }, as(viewer))
    expect(data?.user).toEqual(factors)
  }
  const stranger = await signUp(service)
  expect(codes(await service.send(FactorsOf, { id: account.id }, as(stranger)))).toEqual(['FORBIDDEN'])
})
