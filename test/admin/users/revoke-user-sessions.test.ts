import { expect, test } from '@jest/globals'
import { as, signIn, signUp, signUpAdmin } from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { RevokeUserSessions } from '../../support/operations.ts'
import { useService } from '../../support/service.ts'
import { expectDead, stateOf } from '../../support/sessions.ts'

const service = useService()

test('revokeUserSessions ends all sessions of an account, and no others, and returns their number', async () => {
  const [admin, account] = [await signUpAdmin(service), await signUp(service)]
  const other = await signIn(service, account.email)
  const revoke = async () =>
    (await service.send(RevokeUserSessions, { id: account.id }, as(admin))).data?.revokeUserSessions
  expect([await revoke(), await revoke()]).toEqual([2, 0])
  await expectDead(service, account)
  await expectDead(service, other)
  expect(await stateOf(service, admin.accessToken)).toBe('LIVE')
  const events = await auditOf(service, account.id)
  expect(events.filter(({ action }) => action === 'session.revoked')).toMatchObject([
    { actorId: admin.id, detail: { count: 2 } },
  ])
})
