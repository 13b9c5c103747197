import { expect, test } from '@jest/globals'
import { createAdminClient } from '../../src/client/admin.ts'
import { newAddress, PASSWORD, signUp } from '../support/actors.ts'
import { failedMail } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { signedIn } from './support.ts'

const service = useService()

async function administrator() {
  const { client } = await signedIn(service)
  const id = String(client.state.user?.id)
  await service.app.db.userRole.create({ data: { userId: id, roleName: 'admin' } })
  await client.me()
  return { admin: createAdminClient(client), client, id }
}

test('an administrator manages accounts from their invitation to their deletion', async () => {
  const { admin } = await administrator()
  const email = newAddress()
  const { id } = await admin.inviteUser({ email, displayName: 'Grace', roles: ['support'] })
  expect(await admin.updateUser(id, { publicMetadata: { team: 'navy' } })).toMatchObject({
    email,
    roles: ['support'],
    publicMetadata: { team: 'navy' },
  })
  expect((await admin.setUserRoles(id, ['user'])).roles).toEqual(['user'])
  expect((await admin.disableUser(id, 'on leave')).disabledAt).toEqual(expect.any(String))
  expect((await admin.enableUser(id)).disabledAt).toBeNull()
  expect(await admin.users({ filter: { search: email } })).toMatchObject({
    totalCount: 1,
    nodes: [{ id, displayName: 'Grace' }],
    pageInfo: { hasNextPage: false },
  })
  await admin.deleteUser(id)
  await expect(admin.user(id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('an administrator sees and ends the sessions of an account', async () => {
  const { admin } = await administrator()
  const other = await signUp(service)
  expect(await admin.user(other.id)).toMatchObject({ id: other.id, sessions: [{ id: other.sessionId }] })
  expect(await admin.revokeUserSessions(other.id)).toBe(1)
  expect((await admin.endEmailChangeUndo(other.id)).emailChangeUndoableUntil).toBeNull()
})

test('an administrator defines roles', async () => {
  const { admin } = await administrator()
  const role = { name: 'clerk', description: 'Looks up accounts.', permissions: ['users:read'] }
  expect(await admin.createRole(role)).toEqual({ ...role, builtIn: false })
  expect(await admin.updateRole('clerk', { ...role, name: 'registrar' })).toMatchObject({ name: 'registrar' })
  expect((await admin.roles()).map(({ name }) => name)).toContain('registrar')
  await admin.deleteRole('registrar')
  expect((await admin.roles()).map(({ name }) => name)).not.toContain('registrar')
})

test('an administrator reads the audit log page by page, sends failed emails again and rotates the key', async () => {
  const { admin, client, id } = await administrator()
  await client.reauthenticate(PASSWORD)
  const filter = { subjectId: id }
  const first = await admin.auditLog({ first: 1, filter })
  expect(first.nodes).toHaveLength(1)
  const next = await admin.auditLog({ first: 1, filter, after: first.pageInfo.endCursor ?? null })
  expect(next.nodes[0]?.id).not.toBe(first.nodes[0]?.id)
  const mail = await failedMail(service, newAddress())
  expect((await admin.failedEmails()).nodes).toEqual([expect.objectContaining({ id: mail })])
  await admin.retryEmail(mail)
  expect((await admin.rotateSigningKey()).kid).toEqual(expect.any(String))
})

test('a user without permissions is refused with FORBIDDEN', async () => {
  const { client } = await signedIn(service)
  await expect(createAdminClient(client).users()).rejects.toMatchObject({
    name: 'AuthError',
    code: 'FORBIDDEN',
  })
})
