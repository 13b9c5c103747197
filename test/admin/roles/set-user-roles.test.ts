import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { Me, Roles, SetUserRoles, UserById } from '../../support/operations.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService()

const EVERYTHING = [
  'audit:read',
  'identities:tokens',
  'keys:write',
  'roles:write',
  'services:write',
  'tokens:introspect',
  'users:delete',
  'users:factors',
  'users:impersonate',
  'users:read',
  'users:write',
  'webhooks:write',
]

const setRoles = ({ accessToken: token }: SignedIn, id: string, roles: string[]) =>
  service.send(SetUserRoles, { id, roles }, { token })

const rolesOf = async (id: string) => {
  const rows = await service.app.db.userRole.findMany({ where: { userId: id }, orderBy: { roleName: 'asc' } })
  return rows.map(row => row.roleName)
}

/** Leaves these accounts as the only administrators. */
const onlyAdmins = (...admins: SignedIn[]) =>
  service.app.db.userRole.deleteMany({
    where: { roleName: 'admin', userId: { notIn: admins.map(({ id }) => id) } },
  })

/** A new role with these permissions. */
async function newRole(...permissions: string[]): Promise<string> {
  const name = `role-${randomUUID()}`
  await service.app.db.role.create({ data: { name, permissions } })
  return name
}

test('every signed-in user sees the built-in roles', async () => {
  const { accessToken: token } = await signUp(service)
  const { data, errors } = await service.send(Roles, {}, { token })
  expect(errors).toEqual([])
  const description = expect.any(String)
  expect(data?.roles).toEqual([
    { name: 'admin', permissions: EVERYTHING, builtIn: true, description },
    { name: 'support', permissions: ['audit:read', 'users:read'], builtIn: true, description },
    { name: 'user', permissions: [], builtIn: true, description },
  ])
})

test('an administrator replaces the roles of an account', async () => {
  const admin = await signUpWith(service, 'admin')
  const { id } = await signUp(service)
  for (const [roles, permissions] of [
    [
      ['support', 'user'],
      ['audit:read', 'users:read'],
    ],
    [['user', 'admin'], EVERYTHING],
    [
      ['support', 'support', 'support'],
      ['audit:read', 'users:read'],
    ],
    [[], []],
    [['user'], []],
  ] as const) {
    const { data, errors } = await setRoles(admin, id, [...roles])
    expect(errors).toEqual([])
    expect(data?.setUserRoles).toEqual({ id, roles: [...new Set(roles)].sort(), permissions })
  }
})

test('assigning or removing a role takes effect with the next request, even with an existing token', async () => {
  const admin = await signUpWith(service, 'admin')
  const account = await signUp(service)
  const sending = { token: account.accessToken }
  const read = async () => codes(await service.send(UserById, { id: admin.id }, sending))

  expect(await read()).toEqual(['FORBIDDEN'])
  await setRoles(admin, account.id, ['user', 'support'])
  expect(await read()).toEqual([])
  expect((await service.send(Me, {}, sending)).data?.me?.permissions).toEqual(['audit:read', 'users:read'])
  await setRoles(admin, account.id, ['user'])
  expect(await read()).toEqual(['FORBIDDEN'])
})

test('a change of the permissions of a role takes effect with the next request', async () => {
  const role = await newRole('users:read')
  const { accessToken: token } = await signUpWith(service, role)
  const { id } = await signUp(service)
  const read = async () => codes(await service.send(UserById, { id }, { token }))
  expect(await read()).toEqual([])
  await service.app.db.role.update({ where: { name: role }, data: { permissions: [] } })
  expect(await read()).toEqual(['FORBIDDEN'])
})

describe('invalid input', () => {
  test('roles that do not exist are named in the error, and nothing changes', async () => {
    const admin = await signUpWith(service, 'admin')
    const { id } = await signUp(service)
    expect(refusedFields(await setRoles(admin, id, ['user', 'root', 'Admin', '']))).toEqual({
      roles: [
        'There is no role named "root".',
        'There is no role named "Admin".',
        'There is no role named "".',
      ],
    })
    expect(await rolesOf(id)).toEqual(['user'])
  })

  test.each([
    ['roles', { roles: null }, { roles: [expect.any(String)] }],
    ['roles[0]', { roles: [7] }, { 'roles[0]': [expect.any(String)] }],
    ['id', { id: null }, { id: [expect.any(String)] }],
  ])('%s of the wrong type is rejected', async (_, variables, fields) => {
    const { accessToken: token } = await signUpWith(service, 'admin')
    const all = { id: randomUUID(), roles: ['user'], ...variables }
    expect(refusedFields(await service.send(SetUserRoles as DocumentNode, all, { token }))).toEqual(fields)
  })

  test.each(['unknown', '', randomUUID()])('the ID %j, which no account has, is NOT_FOUND', async id => {
    const admin = await signUpWith(service, 'admin')
    expect(codes(await setRoles(admin, id, ['user']))).toEqual(['NOT_FOUND'])
  })
})

describe('granting permissions', () => {
  test.each([[[]], [['support']]])(
    'an account with the additional roles %j cannot assign roles',
    async roles => {
      const viewer = await signUpWith(service, ...roles)
      for (const id of [viewer.id, (await signUp(service)).id]) {
        const before = await rolesOf(id)
        const reply = await setRoles(viewer, id, ['user', 'admin'])
        expect(codes(reply)).toEqual(['FORBIDDEN'])
        expect(reply.data).toBeNull()
        expect(await rolesOf(id)).toEqual(before)
      }
    },
  )

  test('a holder of roles:write cannot assign roles with other permissions, not even to themselves', async () => {
    const clerkRole = await newRole('roles:write')
    const clerk = await signUpWith(service, clerkRole)
    const { id } = await signUp(service)
    for (const [subject, role] of [
      [id, 'admin'],
      [id, 'support'],
      [clerk.id, 'admin'],
    ] as const) {
      const reply = await setRoles(clerk, subject, ['user', role])
      expect(reply.errors).toMatchObject([
        { message: expect.stringContaining('hold'), extensions: { code: 'FORBIDDEN' } },
      ])
    }
    await setRoles(clerk, id, ['user', clerkRole])
    expect(await rolesOf(id)).toEqual([clerkRole, 'user'])
  })
})

test('a change is recorded with the roles before and after', async () => {
  const admin = await signUpWith(service, 'admin')
  const { id } = await signUp(service)
  await setRoles(admin, id, ['user', 'support'])
  await setRoles(admin, id, ['user', 'root'])
  expect((await auditOf(service, id)).slice(2)).toMatchObject([
    {
      action: 'user.roles_changed',
      actorId: admin.id,
      detail: { before: ['user'], after: ['support', 'user'] },
      ipAddress: '127.0.0.1',
    },
  ])
})

test('setUserRoles removes no roles from an account that has more permissions than the caller', async () => {
  const clerk = await signUpWith(service, await newRole('users:read', 'users:write', 'roles:write'))
  const subject = await signUpWith(service, 'admin')
  expect(codes(await setRoles(clerk, subject.id, ['user']))).toEqual(['FORBIDDEN'])
  expect(await rolesOf(subject.id)).toEqual(['admin', 'user'])
})

describe('the last administrator', () => {
  test('the last administrator cannot be demoted, and the attempt changes nothing', async () => {
    const admin = await signUpWith(service, 'admin')
    await onlyAdmins(admin)
    for (const roles of [[], ['user'], ['user', 'support']]) {
      const reply = await setRoles(admin, admin.id, roles)
      expect(codes(reply)).toEqual(['CONFLICT'])
      expect(reply.errors[0]?.message).toContain('last administrator')
    }
    expect(await rolesOf(admin.id)).toEqual(['admin', 'user'])
    expect((await auditOf(service, admin.id)).map(event => event.action)).not.toContain('user.roles_changed')
  })

  test('the last administrator can receive additional roles', async () => {
    const admin = await signUpWith(service, 'admin')
    await onlyAdmins(admin)
    expect(codes(await setRoles(admin, admin.id, ['admin', 'support']))).toEqual([])
  })

  test('an administrator cannot be demoted if all others are disabled', async () => {
    const [admin, disabled] = [await signUpWith(service, 'admin'), await signUpWith(service, 'admin')]
    await onlyAdmins(admin, disabled)
    const disabledAt = service.clock.now()
    await service.app.db.user.update({ where: { id: disabled.id }, data: { disabledAt } })
    expect(codes(await setRoles(admin, admin.id, ['user']))).toEqual(['CONFLICT'])
    expect(codes(await setRoles(admin, disabled.id, ['user']))).toEqual([])
  })

  test.each([
    ['themselves', [0, 1]],
    ['each other', [1, 0]],
  ] as const)(
    'one administrator remains when the last two demote %s at the same time',
    async (_, subjects) => {
      for (let round = 0; round < 8; round++) {
        const admins = [await signUpWith(service, 'admin'), await signUpWith(service, 'admin')] as const
        await onlyAdmins(...admins)
        const replies = await Promise.all(
          admins.map((admin, at) => setRoles(admin, admins[subjects[at as 0 | 1]].id, ['user'])),
        )
        // FORBIDDEN if the other change came before this request was authorized.
        expect(replies.flatMap(codes)).toEqual([expect.stringMatching(/^(CONFLICT|FORBIDDEN)$/)])
        expect(await service.app.db.userRole.count({ where: { roleName: 'admin' } })).toBe(1)
      }
    },
  )

  test('one administrator remains when ten resign at the same time', async () => {
    const admins = await Promise.all(Array.from({ length: 10 }, () => signUpWith(service, 'admin')))
    await onlyAdmins(...admins)
    const replies = await Promise.all(admins.map(admin => setRoles(admin, admin.id, ['user'])))
    expect(replies.flatMap(codes)).toEqual(['CONFLICT'])
    expect(await service.app.db.userRole.count({ where: { roleName: 'admin' } })).toBe(1)
  })
})
