import { beforeEach, expect, test } from '@jest/globals'
import { as, type SignedIn, signUp, signUpAdmin, signUpVerified } from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { DeleteUser } from '../../support/operations.ts'
import { codes, useService } from '../../support/service.ts'
import { stateOf } from '../../support/sessions.ts'

const service = useService()

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
})

const remove = (id: string) => service.send(DeleteUser, { id }, as(admin))
const userOf = (id: string) => service.app.db.user.findUnique({ where: { id } })

test('deleteUser deletes the account and its sessions, confirms it by email and frees the address', async () => {
  const account = await signUpVerified(service)
  const { data, errors } = await remove(account.id)
  expect([errors, data?.deleteUser]).toEqual([[], true])
  expect(await stateOf(service, account.accessToken)).not.toBe('LIVE')
  expect(await userOf(account.id)).toBeNull()
  expect(await service.app.db.session.count({ where: { userId: account.id } })).toBe(0)
  expect((await service.mailsTo(account.email)).map(({ subject }) => subject)).toContain(
    'Your account at Authograph has been deleted',
  )
  await signUp(service, { email: account.email })
})

test('the audit log shows who deleted an account, without its address', async () => {
  const account = await signUpVerified(service)
  await remove(account.id)
  const events = await auditOf(service, account.id)
  expect(events.at(-1)).toMatchObject({ action: 'user.deleted', actorId: admin.id })
  expect(JSON.stringify(events)).not.toContain(account.email)
})

test('of two simultaneous deletions of an account, one succeeds', async () => {
  const { id } = await signUp(service)
  const replies = await Promise.all([remove(id), remove(id)])
  expect(replies.flatMap(codes)).toEqual(['NOT_FOUND'])
})

test('administrators cannot delete their own account with deleteUser, however its ID is written', async () => {
  for (const id of [admin.id, admin.id.toUpperCase()]) expect(codes(await remove(id))).toEqual(['CONFLICT'])
  expect(await userOf(admin.id)).not.toBeNull()
})
