import { beforeEach, expect, test } from '@jest/globals'
import {
  as,
  login,
  type SignedIn,
  signIn,
  signUp,
  signUpAdmin,
  signUpVerified,
} from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { templatesTo } from '../../support/mails.ts'
import { DisableUser, EnableUser, UserWhole } from '../../support/operations.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'
import { expectDead } from '../../support/sessions.ts'

const service = useService()

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
})

const disable = (id: string, reason?: string) => service.send(DisableUser, { id, reason }, as(admin))
const userOf = (id: string) => service.app.db.user.findUnique({ where: { id } })

test('disabling an account immediately ends its sessions, blocks sign-ins and notifies its owner by email', async () => {
  const account = await signUpVerified(service)
  const other = await signIn(service, account.email)
  const { data, errors } = await disable(account.id, 'Left the company')
  expect(errors).toEqual([])
  expect(data?.disableUser).toEqual({ id: account.id, disabledAt: expect.any(String), sessions: [] })
  await expectDead(service, account)
  await expectDead(service, other)
  expect(codes(await login(service, { identifier: account.email }))).toEqual(['ACCOUNT_DISABLED'])
  expect((await templatesTo(service, account.email)).at(-1)).toBe('account-disabled')
})

test('the audit log shows who disabled an account and why, and the email does not show the reason', async () => {
  const account = await signUpVerified(service)
  const { data } = await disable(account.id, 'Left the company')
  const events = (await auditOf(service, account.id)).filter(({ actorId }) => actorId === admin.id)
  expect(events).toMatchObject([
    {
      action: 'user.disabled',
      detail: {
        before: { disabledAt: null },
        after: { disabledAt: data?.disableUser.disabledAt },
        reason: 'Left the company',
      },
    },
    { action: 'session.revoked', detail: { because: 'account disabled', count: 1 } },
  ])
  const notice = (await service.mailsTo(account.email)).at(-1)
  expect(notice?.subject).toContain('disabled')
  expect(notice?.text).not.toContain('Left the company')
})

test('disabling a disabled account changes and records nothing', async () => {
  const { id } = await signUp(service)
  await disable(id)
  const { disabledAt } = (await userOf(id)) ?? {}
  service.clock.advance(60)
  expect(codes(await disable(id, 'again'))).toEqual([])
  expect((await userOf(id))?.disabledAt).toEqual(disabledAt)
  const events = (await auditOf(service, id)).filter(({ action }) => action === 'user.disabled')
  expect(events).toHaveLength(1)
})

test('a reason with a line break or more than 500 characters is rejected', async () => {
  const { id } = await signUp(service)
  for (const reason of ['two\nlines', 'x'.repeat(501)])
    expect(Object.keys(refusedFields(await disable(id, reason)))).toEqual(['reason'])
  expect((await userOf(id))?.disabledAt).toBeNull()
})

test('administrators cannot disable their own account, however its ID is written', async () => {
  for (const id of [admin.id, admin.id.toUpperCase()]) expect(codes(await disable(id))).toEqual(['CONFLICT'])
  expect((await userOf(admin.id))?.disabledAt).toBeNull()
})

test('administrators see the reason until the account is enabled, and its owner never does', async () => {
  const account = await signUpVerified(service)
  const reasonOf = async () =>
    (await service.send(UserWhole, { id: account.id }, as(admin))).data?.user?.disabledReason
  await disable(account.id, 'Left the company')
  expect(await reasonOf()).toBe('Left the company')
  await service.send(EnableUser, { id: account.id }, as(admin))
  expect(await reasonOf()).toBeNull()
  const { accessToken: token } = await signIn(service, account.email)
  await service.app.db.user.update({ where: { id: account.id }, data: { disabledReason: 'a suspicion' } })
  const reply = await service.send('{ exportAccount }', {}, { token })
  expect(codes(reply)).toEqual([])
  expect(JSON.stringify(reply.data)).not.toContain('a suspicion')
})
