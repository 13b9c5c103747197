import { beforeEach, expect, test } from '@jest/globals'
import { as, login, type SignedIn, signUp, signUpAdmin } from '../../support/actors.ts'
import { actionsOf, auditOf } from '../../support/audit.ts'
import { DisableUser, EnableUser } from '../../support/operations.ts'
import { codes, useService } from '../../support/service.ts'
import { expectDead } from '../../support/sessions.ts'

const service = useService()

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
})

const enable = (id: string) => service.send(EnableUser, { id }, as(admin))

test('the owner of an enabled account can sign in again, and earlier sessions stay ended', async () => {
  const account = await signUp(service)
  const disabled = await service.send(DisableUser, { id: account.id }, as(admin))
  const { data, errors } = await enable(account.id)
  expect(errors).toEqual([])
  expect(data?.enableUser).toEqual({ id: account.id, disabledAt: null })
  expect(codes(await login(service, { identifier: account.email }))).toEqual([])
  await expectDead(service, account)
  const disabledAt = disabled.data?.disableUser.disabledAt
  const events = (await auditOf(service, account.id)).filter(({ action }) => action === 'user.enabled')
  expect(events).toMatchObject([
    { actorId: admin.id, detail: { before: { disabledAt }, after: { disabledAt: null } } },
  ])
})

test('enabling an account that is not disabled records nothing', async () => {
  const { id } = await signUp(service)
  expect(codes(await enable(id))).toEqual([])
  expect(await actionsOf(service, id)).not.toContain('user.enabled')
})
