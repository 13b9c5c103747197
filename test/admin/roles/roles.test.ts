import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { CreateRole, DeleteRole, Me, Roles, SetUserRoles, UpdateRole } from '../../support/operations.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService({ server: { permissions: ['notes:read'] } })

let admin: SignedIn
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
})

const send = (
  document: DocumentNode,
  variables: Record<string, unknown>,
  { accessToken }: SignedIn = admin,
) => service.send(document, variables, { token: accessToken })
const newName = () => `role-${randomBytes(6).toString('hex')}`

async function make(...permissions: string[]): Promise<string> {
  const name = newName()
  expect((await send(CreateRole, { input: { name, permissions } })).errors).toEqual([])
  return name
}

const roleOf = (name: string) => service.app.db.role.findUnique({ where: { name } })
const events = (action: string, role: string) =>
  service.app.db.auditEvent.findMany({ where: { action, detail: { path: ['role'], equals: role } } })

/** An account that can only define roles and read accounts. */
async function clerk(): Promise<SignedIn> {
  return signUpWith(service, await make('roles:write', 'users:read'))
}

describe('createRole', () => {
  test('createRole creates a role that can be assigned immediately, with permissions of the embedding program too', async () => {
    const name = newName()
    const { data, errors } = await service.send(
      CreateRole,
      { input: { name, description: ' Looks up ', permissions: ['users:read', 'notes:read', 'users:read'] } },
      { token: admin.accessToken },
    )
    expect(errors).toEqual([])
    const role = { name, description: 'Looks up', permissions: ['notes:read', 'users:read'] }
    expect(data?.createRole).toEqual({ ...role, builtIn: false })
    const { id, accessToken: token } = await signUp(service)
    await send(SetUserRoles, { id, roles: [name] })
    expect((await service.send(Me, {}, { token })).data?.me?.permissions).toEqual(role.permissions)
    expect((await service.send(Roles, {}, { token })).data?.roles).toContainEqual({ ...role, builtIn: false })
    expect(await events('role.created', name)).toMatchObject([
      { actorId: admin.id, detail: { role: name, after: role } },
    ])
  })

  test.each([
    [{ name: 'A-role' }, 'input.name'],
    [{ name: 'a' }, 'input.name'],
    [{ name: `a${'b'.repeat(32)}` }, 'input.name'],
    [{ name: '1st' }, 'input.name'],
    [{ name: 'a=b;c,d' }, 'input.name'],
    [{ name: 'role\n' }, 'input.name'],
    [{ description: 'x'.repeat(201) }, 'input.description'],
    [{ permissions: ['users:eat'] }, 'input.permissions.0'],
    [{ permissions: ['users:read', '*'] }, 'input.permissions.1'],
    [{ permissions: [''] }, 'input.permissions.0'],
  ])('createRole rejects the input %j', async (wrong, field) => {
    const input = { name: newName(), permissions: [], ...wrong }
    expect(Object.keys(refusedFields(await send(CreateRole, { input })))).toEqual([field])
    expect(await roleOf(input.name)).toBeNull()
  })

  test('createRole fails with CONFLICT for a taken name, and of simultaneous calls with one name, one succeeds', async () => {
    const taken = await make('users:read')
    for (const name of [taken, 'admin', 'user']) {
      const before = await roleOf(name)
      const reply = await send(CreateRole, { input: { name, permissions: [] } })
      expect(codes(reply)).toEqual(['CONFLICT'])
      expect(reply.errors[0]?.message).toBe('There is already a role with this name.')
      expect(await roleOf(name)).toEqual(before)
    }
    const input = { name: newName(), permissions: [] }
    const replies = await Promise.all(Array.from({ length: 5 }, () => send(CreateRole, { input })))
    expect(replies.flatMap(codes)).toEqual(Array(4).fill('CONFLICT'))
    expect(await events('role.created', input.name)).toHaveLength(1)
  })
})

describe('updateRole', () => {
  test('updateRole changes the name, description and permissions for all accounts with the role', async () => {
    const [name, renamed] = [await make('users:read'), newName()]
    const holder = await signUpWith(service, name)
    const input = { name: renamed, description: 'Reads the log', permissions: ['audit:read'] }
    const { data, errors } = await service.send(UpdateRole, { name, input }, { token: admin.accessToken })
    expect(errors).toEqual([])
    expect(data?.updateRole).toEqual({ ...input, builtIn: false })
    const { data: own } = await service.send(Me, {}, { token: holder.accessToken })
    expect(own?.me).toMatchObject({ roles: [renamed, 'user'].sort(), permissions: ['audit:read'] })
    expect(await roleOf(name)).toBeNull()
    expect(await events('role.updated', name)).toMatchObject([
      { detail: { before: { name, description: null, permissions: ['users:read'] }, after: input } },
    ])
  })

  test('updateRole keeps an omitted description, clears a null one and records only changes', async () => {
    const name = await make('users:read')
    const update = (input: Record<string, unknown>) =>
      send(UpdateRole, { name, input: { name, permissions: ['users:read'], ...input } })
    await update({ description: 'Reads' })
    await update({})
    expect(await roleOf(name)).toMatchObject({ description: 'Reads' })
    await update({ description: null })
    expect(await roleOf(name)).toMatchObject({ description: null })
    expect((await events('role.updated', name)).map(event => event.detail)).toEqual([
      { role: name, before: { description: null }, after: { description: 'Reads' } },
      { role: name, before: { description: 'Reads' }, after: { description: null } },
    ])
  })

  test('updateRole rejects invalid input, unknown roles, taken names and built-in roles', async () => {
    const [name, taken] = [await make(), await make()]
    const refused = await send(UpdateRole, { name, input: { name: 'X', permissions: ['x'] } })
    expect(Object.keys(refusedFields(refused))).toEqual(['input.name', 'input.permissions.0'])
    const to = (input: string) => ({ name: input, permissions: [] })
    expect(codes(await send(UpdateRole, { name: newName(), input: to('other') }))).toEqual(['NOT_FOUND'])
    expect(codes(await send(UpdateRole, { name: '\0', input: to('other') }))).toEqual(['NOT_FOUND'])
    expect(codes(await send(UpdateRole, { name, input: to(taken) }))).toEqual(['CONFLICT'])
    for (const builtIn of ['admin', 'support', 'user']) {
      const before = await roleOf(builtIn)
      const reply = await send(UpdateRole, { name: builtIn, input: to('other') })
      expect([codes(reply), reply.errors[0]?.message]).toEqual([
        ['CONFLICT'],
        expect.stringContaining('Built-in'),
      ])
      expect(await roleOf(builtIn)).toEqual(before)
    }
  })
})

describe('deleteRole', () => {
  test('deleteRole deletes a role that no account has', async () => {
    const name = await make('users:read')
    const { data, errors } = await service.send(DeleteRole, { name }, { token: admin.accessToken })
    expect([errors, data?.deleteRole, await roleOf(name)]).toEqual([[], true, null])
    expect(await events('role.deleted', name)).toMatchObject([
      { detail: { before: { name, permissions: ['users:read'] } } },
    ])
    expect(codes(await send(DeleteRole, { name }))).toEqual(['NOT_FOUND'])
  })

  test('deleteRole fails with the number of accounts that have the role', async () => {
    const name = await make()
    await signUpWith(service, name)
    const one = await send(DeleteRole, { name })
    expect(one.errors).toMatchObject([
      { message: expect.stringContaining('1 account has'), extensions: { code: 'CONFLICT', accounts: 1 } },
    ])
    await signUpWith(service, name)
    expect((await send(DeleteRole, { name })).errors).toMatchObject([{ extensions: { accounts: 2 } }])
    expect(await roleOf(name)).not.toBeNull()
    expect(await events('role.deleted', name)).toEqual([])
  })

  test('deleting and assigning a role at the same time never leaves an account with a deleted role', async () => {
    for (let round = 0; round < 8; round++) {
      const [name, { id }] = [await make(), await signUp(service)]
      const [deleted, given] = await Promise.all([
        send(DeleteRole, { name }),
        send(SetUserRoles, { id, roles: [name] }),
      ])
      const outcomes = [codes(deleted), codes(given)]
      expect([
        [[], ['BAD_USER_INPUT']],
        [['CONFLICT'], []],
      ]).toContainEqual(outcomes)
      expect((await roleOf(name)) === null).toBe(outcomes[0]?.length === 0)
    }
  })

  test('deleteRole does not delete built-in roles', async () => {
    for (const name of ['admin', 'support', 'user'])
      expect(codes(await send(DeleteRole, { name }))).toEqual(['CONFLICT'])
  })
})

describe('permissions of the caller', () => {
  const operations: [string, DocumentNode, (role: string) => Record<string, unknown>][] = [
    ['createRole', CreateRole, () => ({ input: { name: newName(), permissions: [] } })],
    ['updateRole', UpdateRole, name => ({ name, input: { name, permissions: [] } })],
    ['deleteRole', DeleteRole, name => ({ name })],
  ]

  test.each(operations)(
    '%s requires a session and the permission roles:write',
    async (_, document, variables) => {
      const name = await make('users:read')
      expect(codes(await service.send(document, variables(name)))).toEqual(['UNAUTHENTICATED'])
      for (const viewer of [await signUp(service), await signUpWith(service, 'support')])
        expect(codes(await send(document, variables(name), viewer))).toEqual(['FORBIDDEN'])
      expect(await roleOf(name)).toMatchObject({ permissions: ['users:read'] })
    },
  )

  test('callers cannot create, change or delete roles with permissions that they lack', async () => {
    const viewer = await clerk()
    const own = newName()
    expect(
      codes(await send(CreateRole, { input: { name: own, permissions: ['users:read'] } }, viewer)),
    ).toEqual([])
    const beyond = ['users:read', 'audit:read']
    for (const [document, variables] of [
      [CreateRole, { input: { name: newName(), permissions: beyond } }],
      [UpdateRole, { name: own, input: { name: own, permissions: beyond } }],
    ] as const) {
      const reply = await send(document, variables, viewer)
      expect(reply.errors).toMatchObject([
        { message: expect.stringContaining('hold'), extensions: { code: 'FORBIDDEN' } },
      ])
    }
    const powerful = await make('users:write')
    expect(
      codes(await send(UpdateRole, { name: powerful, input: { name: powerful, permissions: [] } }, viewer)),
    ).toEqual(['FORBIDDEN'])
    expect(codes(await send(DeleteRole, { name: powerful }, viewer))).toEqual(['FORBIDDEN'])
    expect(await roleOf(powerful)).toMatchObject({ permissions: ['users:write'] })
    expect(await roleOf(own)).toMatchObject({ permissions: ['users:read'] })
    const denied = await service.app.db.auditEvent.findMany({
      where: { action: 'access.denied', actorId: viewer.id },
      orderBy: { id: 'asc' },
    })
    expect(denied.map(event => event.detail)).toEqual(
      ['createRole', 'updateRole', 'deleteRole'].map(name => ({ field: `Mutation.${name}` })),
    )
  })
})
