import { expect, test } from '@jest/globals'
import { as, newRole, type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { Me, SetRoleSecondFactor, SetUserRoles } from '../../support/operations.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'
import { addSomePasskey, addSomeTotp } from '../../support/some-factors.ts'

const service = useService()

const FROM = '2030-01-01T00:00:00.000Z'
const set = (caller: SignedIn, name: string, requiredFrom: string | null) =>
  service.send(SetRoleSecondFactor, { name, requiredFrom }, as(caller))
const storedTime = async (name: string) =>
  (await service.app.db.role.findUnique({ where: { name } }))?.secondFactorRequiredFrom ?? null

test('setRoleSecondFactor sets the time from which a role requires a second factor, and null removes it', async () => {
  const admin = await signUpWith(service, 'admin')
  const name = await newRole(service, 'users:read')
  const reply = await set(admin, name, FROM)
  expect(reply.errors).toEqual([])
  const shown = { name, permissions: ['users:read'], builtIn: false, secondFactorRequiredFrom: FROM }
  expect(reply.data?.setRoleSecondFactor).toEqual(shown)
  expect((await set(admin, name, null)).data?.setRoleSecondFactor.secondFactorRequiredFrom).toBeNull()
  expect(await storedTime(name)).toBeNull()
})

test('setRoleSecondFactor works for built-in roles, whose permissions it shows in full', async () => {
  const admin = await signUpWith(service, 'admin')
  await addSomeTotp(service, admin.id)
  for (const name of ['support', 'user', 'admin']) {
    const { data, errors } = await set(admin, name, FROM)
    expect(errors).toEqual([])
    expect(data?.setRoleSecondFactor).toMatchObject({ name, builtIn: true, secondFactorRequiredFrom: FROM })
    expect(data?.setRoleSecondFactor.permissions).not.toContain('*')
    await set(admin, name, null)
  }
})

test('everyone can see which roles require a second factor', async () => {
  const admin = await signUpWith(service, 'admin')
  const name = await newRole(service)
  await set(admin, name, FROM)
  const { data } = await service.send<{ roles: object[] }, object>(
    '{ roles { name secondFactorRequiredFrom } }',
    {},
    as(await signUp(service)),
  )
  expect(data?.roles).toContainEqual({ name, secondFactorRequiredFrom: FROM })
  expect(data?.roles).toContainEqual({ name: 'user', secondFactorRequiredFrom: null })
})

test('a change is recorded with the time before and after, and a repetition is not', async () => {
  const admin = await signUpWith(service, 'admin')
  const name = await newRole(service)
  await set(admin, name, FROM)
  await set(admin, name, FROM)
  await set(admin, name, null)
  const events = await service.app.db.auditEvent.findMany({
    where: { action: 'role.updated', detail: { path: ['role'], equals: name } },
    orderBy: { id: 'asc' },
  })
  const times = { secondFactorRequiredFrom: FROM }
  const none = { secondFactorRequiredFrom: null }
  expect(events).toMatchObject([
    { actorId: admin.id, detail: { role: name, before: none, after: times } },
    { actorId: admin.id, detail: { role: name, before: times, after: none } },
  ])
  expect(events).toHaveLength(2)
})

test('an administrator without a second factor cannot require one of their own role', async () => {
  const admin = await signUpWith(service, 'admin')
  expect(codes(await set(admin, 'admin', FROM))).toEqual(['CONFLICT'])
  expect(codes(await set(admin, 'user', FROM))).toEqual(['CONFLICT'])
  expect(await storedTime('admin')).toBeNull()
  expect((await set(admin, 'admin', null)).errors).toEqual([])
  await addSomePasskey(service, admin.id)
  expect((await set(admin, 'admin', FROM)).errors).toEqual([])
  expect(await storedTime('admin')).toEqual(new Date(FROM))
  await set(admin, 'admin', null)
})

test('setRoleSecondFactor refuses unknown roles, times that cannot be stored and callers without the permission', async () => {
  const admin = await signUpWith(service, 'admin')
  const name = await newRole(service)
  expect(codes(await set(admin, 'no-such-role', FROM))).toEqual(['NOT_FOUND'])
  expect(codes(await set(admin, 'nul\u0000', FROM))).toEqual(['NOT_FOUND'])
  expect(Object.keys(refusedFields(await set(admin, name, '0000-01-01T00:00:00Z')))).toEqual(['requiredFrom'])
  expect(codes(await set(admin, name, 'tomorrow'))).toEqual(['BAD_USER_INPUT'])
  expect(codes(await service.send(SetRoleSecondFactor, { name, requiredFrom: FROM }))).toEqual([
    'UNAUTHENTICATED',
  ])
  expect(codes(await set(await signUpWith(service, 'support'), name, FROM))).toEqual(['FORBIDDEN'])
  expect(await storedTime(name)).toBeNull()
})

test('no one can change the requirement of a role with permissions that they lack', async () => {
  const clerk = await signUpWith(service, await newRole(service, 'roles:write'))
  const stronger = await newRole(service, 'users:delete')
  expect(codes(await set(clerk, stronger, FROM))).toEqual(['FORBIDDEN'])
  expect(codes(await set(clerk, 'admin', null))).toEqual(['FORBIDDEN'])
  expect(await storedTime(stronger)).toBeNull()
})

test('a role keeps its requirement when it is renamed, and the earliest of several roles counts', async () => {
  const admin = await signUpWith(service, 'admin')
  const [early, late] = [await newRole(service), await newRole(service)]
  const now = service.clock.now().getTime()
  await set(admin, late, new Date(now + 3_600_000).toISOString())
  const ada = await signUp(service)
  await service.send(SetUserRoles, { id: ada.id, roles: ['user', late] }, as(admin))
  expect((await service.send(Me, {}, as(ada))).errors).toEqual([])
  await set(admin, early, new Date(now - 1000).toISOString())
  await service.send(SetUserRoles, { id: ada.id, roles: ['user', late, early] }, as(admin))
  expect(codes(await service.send('{ roles { name } }', {}, as(ada)))).toEqual(['STEP_UP_REQUIRED'])
})
