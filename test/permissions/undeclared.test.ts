import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { type SignedIn, signUp, signUpWith } from '../support/actors.ts'
import {
  DeleteRole,
  DeleteUser,
  DisableUser,
  Me,
  RevokeUserSessions,
  Roles,
  SetUserRoles,
  UpdateRole,
} from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'

// An earlier version of the embedding program declared `notes:write`; this one does not.
const service = useService()

async function newRole(...permissions: string[]): Promise<string> {
  const name = `role-${randomUUID()}`.slice(0, 32)
  await service.app.db.role.create({ data: { name, permissions } })
  return name
}

const holder = async () => signUpWith(service, await newRole('notes:write'))
const as = ({ accessToken: token }: SignedIn) => ({ token })

describe('an account whose role has a permission that the program no longer declares', () => {
  test('an administrator can disable, sign out, change and delete an account whose role has an undeclared permission', async () => {
    const admin = await signUpWith(service, 'admin')
    const { id, accessToken } = await holder()
    expect(codes(await service.send(RevokeUserSessions, { id }, as(admin)))).toEqual([])
    expect(await stateOf(service, accessToken)).toBe('REVOKED')
    expect(codes(await service.send(DisableUser, { id }, as(admin)))).toEqual([])
    expect(codes(await service.send(SetUserRoles, { id, roles: ['user'] }, as(admin)))).toEqual([])
    expect(codes(await service.send(DeleteUser, { id }, as(admin)))).toEqual([])
    expect(await service.app.db.user.findUnique({ where: { id } })).toBeNull()
  })

  test('an undeclared permission has no effect and is not in the list of roles', async () => {
    const account = await holder()
    const { data } = await service.send(Me, {}, as(account))
    expect(data?.me?.permissions).toEqual([])
    const roles = await service.send(Roles, {}, as(account))
    expect(JSON.stringify(roles.data)).not.toContain('notes:write')
  })
})

describe('a role with such a permission', () => {
  test('an administrator can correct and delete a role with an undeclared permission', async () => {
    const admin = await signUpWith(service, 'admin')
    const name = await newRole('notes:write', 'users:read')
    const input = { name, permissions: ['users:read'] }
    expect(codes(await service.send(UpdateRole, { name, input }, as(admin)))).toEqual([])
    expect((await service.app.db.role.findUnique({ where: { name } }))?.permissions).toEqual(['users:read'])
    const other = await newRole('notes:write')
    expect(codes(await service.send(DeleteRole, { name: other }, as(admin)))).toEqual([])
  })

  // The next version may declare the permission while replicas of this version still run.
  test('an account that lacks any permission cannot assign, change or delete a role with an undeclared permission', async () => {
    const clerk = await signUpWith(service, await newRole('roles:write', 'users:read'))
    const name = await newRole('notes:write')
    const { id } = await signUp(service)
    const input = { name, permissions: [] }
    expect(codes(await service.send(SetUserRoles, { id, roles: [name] }, as(clerk)))).toEqual(['FORBIDDEN'])
    expect(codes(await service.send(UpdateRole, { name, input }, as(clerk)))).toEqual(['FORBIDDEN'])
    expect(codes(await service.send(DeleteRole, { name }, as(clerk)))).toEqual(['FORBIDDEN'])
    expect((await service.app.db.role.findUnique({ where: { name } }))?.permissions).toEqual(['notes:write'])
  })
})
