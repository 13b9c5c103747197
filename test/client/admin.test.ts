import { expect, test } from '@jest/globals'
import { createAdminClient } from '../../src/client/admin.ts'
import { newAddress, PASSWORD, signUp } from '../support/actors.ts'
import { failedMail } from '../support/mails.ts'
import { failedDelivery } from '../support/receiver.ts'
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

test('an administrator manages service accounts and webhooks', async () => {
  const { admin, client } = await administrator()
  await client.reauthenticate(PASSWORD)
  const { serviceAccount, secret } = await admin.createServiceAccount({ name: 'billing', roles: [] })
  expect(secret).toEqual(expect.any(String))
  const { id } = serviceAccount
  expect((await admin.rotateServiceAccountSecret(id)).secret).not.toBe(secret)
  expect(await admin.updateServiceAccount(id, { name: 'invoices' })).toMatchObject({ id, name: 'invoices' })
  expect(await admin.serviceAccounts()).toEqual([expect.objectContaining({ id, name: 'invoices' })])
  await admin.deleteServiceAccount(id)
  expect(await admin.serviceAccounts()).toEqual([])

  const input = { url: 'https://app.example.com/hooks', events: ['user.deleted'], enabled: false }
  const created = await admin.createWebhook(input)
  const webhookId = created.webhook.id
  expect((await admin.rotateWebhookSecret(webhookId)).secret).not.toBe(created.secret)
  expect(await admin.updateWebhook(webhookId, { ...input, events: ['*'] })).toMatchObject({ events: ['*'] })
  expect(await admin.webhooks()).toEqual([expect.objectContaining({ id: webhookId, url: input.url })])
  await admin.deleteWebhook(webhookId)
  const failedId = await failedDelivery(service, 'https://away.example.com/hooks')
  const { nodes } = await admin.failedWebhookDeliveries()
  expect(nodes).toMatchObject([{ id: failedId, event: 'user.deleted' }])
  await expect(admin.retryWebhookDelivery(failedId)).rejects.toThrow('This webhook is disabled')
  await admin.deleteWebhook(String(nodes[0]?.webhookId))
  expect(await admin.webhooks()).toEqual([])
})

test('a user without permissions is refused with FORBIDDEN', async () => {
  const { client } = await signedIn(service)
  await expect(createAdminClient(client).users()).rejects.toMatchObject({
    name: 'AuthError',
    code: 'FORBIDDEN',
  })
})
