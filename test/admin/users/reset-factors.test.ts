import { beforeEach, expect, test } from '@jest/globals'
import {
  as,
  login,
  newRole,
  type SignedIn,
  signIn,
  signUp,
  signUpAdmin,
  signUpVerified,
  signUpWith,
} from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { templatesTo } from '../../support/mails.ts'
import { ResetUserFactors } from '../../support/operations.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'
import { expectDead } from '../../support/sessions.ts'
import { addSomePasskey, addSomeRecoveryCodes, addSomeTotp } from '../../support/some-factors.ts'

const service = useService()
const REASON = 'Lost the phone; identity checked in person'

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
})

const reset = (id: string, reason = REASON, caller = admin) =>
  service.send(ResetUserFactors, { id, reason }, as(caller))
const factorsOf = async (userId: string) => {
  const { db } = service.app
  const where = { where: { userId } }
  return [await db.totp.count(where), await db.passkey.count(where), await db.recoveryCode.count(where)]
}

async function withFactors(): Promise<SignedIn> {
  const account = await signUpVerified(service)
  await addSomeTotp(service, account.id)
  await addSomePasskey(service, account.id)
  await addSomePasskey(service, account.id)
  await addSomeRecoveryCodes(service, account.id)
  return account
}

test('resetUserFactors removes every factor, ends the sessions and the trust in devices, and notifies the owner', async () => {
  const account = await withFactors()
  const trustedUntil = new Date(service.clock.now().getTime() + 86_400_000)
  await service.app.db.device.updateMany({ where: { userId: account.id }, data: { trustedUntil } })
  const { data, errors } = await reset(account.id)
  expect(errors).toEqual([])
  expect(data?.resetUserFactors).toEqual({ id: account.id, sessions: [] })
  expect(await factorsOf(account.id)).toEqual([0, 0, 0])
  await expectDead(service, account)
  expect(
    await service.app.db.device.count({ where: { userId: account.id, NOT: { trustedUntil: null } } }),
  ).toBe(0)
  expect((await templatesTo(service, account.email)).at(-1)).toBe('factors-reset')
})

test('after a reset, the password alone starts no session: the sign-in must add a factor first', async () => {
  const account = await withFactors()
  await reset(account.id)
  const { data, errors } = await login(service, { identifier: account.email })
  expect(errors).toEqual([])
  expect(data?.login.__typename).toBe('SecondFactorSetupRequired')
})

test('the audit log shows who reset which factors and why, and the email does not show the reason', async () => {
  const account = await withFactors()
  await reset(account.id)
  const events = (await auditOf(service, account.id)).filter(({ actorId }) => actorId === admin.id)
  expect(events).toMatchObject([
    {
      action: 'factor.reset',
      detail: { reason: REASON, removed: { authenticatorApps: 1, passkeys: 2, recoveryCodes: 10 } },
    },
    { action: 'session.revoked', detail: { because: 'second factors reset', count: 1 } },
  ])
  expect((await service.mailsTo(account.email)).at(-1)?.text).not.toContain(REASON)
})

test('resetting an account without factors changes, ends and records nothing', async () => {
  const account = await signUp(service)
  expect((await reset(account.id)).data?.resetUserFactors.sessions).toHaveLength(1)
  expect(await auditOf(service, account.id)).not.toContainEqual(
    expect.objectContaining({ action: 'factor.reset' }),
  )
  await signIn(service, account.email)
})

test('a reset requires a reason on one line', async () => {
  const account = await withFactors()
  for (const reason of ['', '   ', 'two\nlines', 'x'.repeat(501)]) {
    expect(Object.keys(refusedFields(await reset(account.id, reason)))).toEqual(['reason'])
  }
  expect(
    codes(
      await service.send(
        'mutation ($id: ID!) { resetUserFactors(id: $id) { id } }',
        { id: account.id },
        as(admin),
      ),
    ),
  ).toEqual(['BAD_USER_INPUT'])
  expect(await factorsOf(account.id)).toEqual([1, 2, 10])
})

test('a reset requires users:factors, and no one resets an account with permissions that they lack', async () => {
  const account = await withFactors()
  expect(codes(await service.send(ResetUserFactors, { id: account.id, reason: REASON }))).toEqual([
    'UNAUTHENTICATED',
  ])
  const clerk = await signUpWith(service, await newRole(service, 'users:write', 'users:read'))
  expect(codes(await reset(account.id, REASON, clerk))).toEqual(['FORBIDDEN'])
  const helper = await signUpWith(service, await newRole(service, 'users:factors', 'users:read'))
  expect((await reset(account.id, REASON, helper)).errors).toEqual([])
  const other = await signUpAdmin(service)
  await addSomeTotp(service, other.id)
  expect(codes(await reset(other.id, REASON, helper))).toEqual(['FORBIDDEN'])
  expect(await factorsOf(other.id)).toEqual([1, 0, 0])
})

test('administrators cannot reset their own factors, nor those of an account that does not exist', async () => {
  await addSomePasskey(service, admin.id)
  await service.app.db.session.update({
    where: { id: admin.sessionId },
    data: { passkeyAt: service.clock.now() },
  })
  expect(codes(await reset(admin.id))).toEqual(['CONFLICT'])
  expect(await factorsOf(admin.id)).toEqual([0, 1, 0])
  expect(codes(await reset('00000000-0000-7000-8000-000000000000'))).toEqual(['NOT_FOUND'])
  expect(codes(await reset('not-an-id'))).toEqual(['NOT_FOUND'])
})

test('a reset requires a recent sign-in: with the second factor if the administrator has one', async () => {
  const account = await withFactors()
  service.clock.advance(601)
  const { data } = await service.send(
    'mutation ($t: String!) { refreshToken(input: { refreshToken: $t }) { accessToken } }',
    { t: admin.refreshToken },
  )
  const later = { ...admin, ...(data as { refreshToken: { accessToken: string } }).refreshToken }
  expect(codes(await reset(account.id, REASON, later))).toEqual(['REAUTHENTICATION_REQUIRED'])
  await addSomeTotp(service, admin.id)
  const reply = await reset(account.id, REASON, later)
  expect(reply.errors[0]?.extensions).toMatchObject({
    code: 'STEP_UP_REQUIRED',
    acr: 'mfa',
    maxAgeSeconds: 600,
  })
  expect(await factorsOf(account.id)).toEqual([1, 2, 10])
})

test('of two resets at the same time, one removes and records', async () => {
  const account = await withFactors()
  const replies = await Promise.all([reset(account.id), reset(account.id)])
  expect(replies.flatMap(codes)).toEqual([])
  const events = await auditOf(service, account.id)
  expect(events.filter(({ action }) => action === 'factor.reset')).toHaveLength(1)
})
