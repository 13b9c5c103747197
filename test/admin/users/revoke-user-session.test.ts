import { randomUUID } from 'node:crypto'
import { beforeEach, expect, test } from '@jest/globals'
import { as, type SignedIn, signIn, signUp, signUpAdmin, signUpWith } from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { RevokeUserSession } from '../../support/operations.ts'
import { codes, useService } from '../../support/service.ts'
import { expectDead, stateOf } from '../../support/sessions.ts'

const service = useService()

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
})

const revoke = (id: string, sessionId: string, viewer = admin) =>
  service.send(RevokeUserSession, { id, sessionId }, as(viewer))

test('revokeUserSession ends one session of an account, and its others continue', async () => {
  const account = await signUp(service)
  const other = await signIn(service, account.email)
  expect((await revoke(account.id, other.sessionId)).data).toEqual({ revokeUserSession: true })
  await expectDead(service, other)
  expect(await stateOf(service, account.accessToken)).toBe('LIVE')
  expect((await auditOf(service, account.id)).at(-1)).toMatchObject({
    action: 'session.revoked',
    actorId: admin.id,
    detail: { sessionId: other.sessionId },
  })
})

test('a session that has already ended is reported as such and recorded once', async () => {
  const account = await signUp(service)
  await revoke(account.id, account.sessionId)
  expect((await revoke(account.id, account.sessionId)).data).toEqual({ revokeUserSession: false })
  const events = (await auditOf(service, account.id)).filter(({ action }) => action === 'session.revoked')
  expect(events).toHaveLength(1)
})

test('a session of another account is not found and continues', async () => {
  const [account, other] = [await signUp(service), await signUp(service)]
  for (const sessionId of [other.sessionId, admin.sessionId, randomUUID(), 'unknown'])
    expect(codes(await revoke(account.id, sessionId))).toEqual(['NOT_FOUND'])
  for (const id of ['unknown', randomUUID()])
    expect(codes(await revoke(id, account.sessionId))).toEqual(['NOT_FOUND'])
  for (const { accessToken } of [account, other, admin])
    expect(await stateOf(service, accessToken)).toBe('LIVE')
})

test('requires a session, the permission, and all permissions of the account', async () => {
  const [account, support] = [await signUp(service), await signUpWith(service, 'support')]
  const { id, sessionId } = account
  expect(codes(await service.send(RevokeUserSession, { id, sessionId }))).toEqual(['UNAUTHENTICATED'])
  for (const viewer of [account, support])
    expect(codes(await revoke(id, sessionId, viewer))).toEqual(['FORBIDDEN'])
  await service.app.db.role.create({ data: { name: 'sessions-clerk', permissions: ['users:write'] } })
  const clerk = await signUpWith(service, 'sessions-clerk')
  expect(codes(await revoke(support.id, support.sessionId, clerk))).toEqual(['FORBIDDEN'])
  expect(await stateOf(service, support.accessToken)).toBe('LIVE')
  expect(codes(await revoke(id, sessionId, clerk))).toEqual([])
})
