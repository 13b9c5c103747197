import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { newRole, type SignedIn, signUp, signUpAdmin, signUpWith } from '../support/actors.ts'
import { useAdmin } from '../support/admin.ts'
import {
  DeleteUser,
  DisableUser,
  EnableUser,
  RevokeUserSessions,
  SendPasswordReset,
  SetUserRoles,
  UpdateUser,
} from '../support/operations.ts'
import { meet } from '../support/race.ts'
import { codes, useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'

const service = useService()
const { send, userOf } = useAdmin(service)

/** An account that can change and delete accounts, and nothing else. */
async function clerk(): Promise<SignedIn> {
  return signUpWith(service, await newRole(service, 'users:read', 'users:write', 'users:delete'))
}

const operations: [string, DocumentNode, Record<string, unknown>][] = [
  ['updateUser', UpdateUser, { input: { displayName: 'Eve', email: 'eve@example.com' } }],
  ['disableUser', DisableUser, {}],
  ['enableUser', EnableUser, {}],
  ['revokeUserSessions', RevokeUserSessions, {}],
  ['sendPasswordReset', SendPasswordReset, {}],
  ['deleteUser', DeleteUser, {}],
]

describe.each(operations)('%s', (name, document, variables) => {
  test('requires a session and the permission', async () => {
    const subject = await signUp(service)
    const before = await userOf(subject.id)
    expect(codes(await service.send(document, { id: subject.id, ...variables }))).toEqual(['UNAUTHENTICATED'])
    for (const viewer of [subject, await signUpWith(service, 'support')])
      expect(codes(await send(document, { id: subject.id, ...variables }, viewer))).toEqual(['FORBIDDEN'])
    expect(await userOf(subject.id)).toEqual(before)
    expect(await stateOf(service, subject.accessToken)).toBe('LIVE')
  })

  test.each(['unknown', '', randomUUID()])('reports NOT_FOUND for the account ID %j', async id => {
    expect(codes(await send(document, { id, ...variables }))).toEqual(['NOT_FOUND'])
  })

  test('changes no account that has more permissions than the caller, and the attempt is recorded', async () => {
    const [viewer, ...powerful] = [
      await clerk(),
      await signUpAdmin(service),
      await signUpWith(service, 'support'),
    ]
    for (const subject of powerful) {
      const before = await userOf(subject.id)
      const reply = await send(document, { id: subject.id, ...variables }, viewer)
      expect(reply.errors).toMatchObject([
        {
          message: expect.stringContaining('permissions that yours lacks'),
          extensions: { code: 'FORBIDDEN' },
        },
      ])
      expect(await userOf(subject.id)).toEqual(before)
      expect(await stateOf(service, subject.accessToken)).toBe('LIVE')
    }
    const denied = { action: 'access.denied', actorId: viewer.id }
    expect(await service.app.db.auditEvent.findMany({ where: denied })).toMatchObject([
      { detail: { field: `Mutation.${name}` } },
    ])
    const equal = await clerk()
    expect(
      codes(
        await send(
          document,
          { id: equal.id, ...variables, ...(name === 'updateUser' && { input: { displayName: 'Eve' } }) },
          viewer,
        ),
      ),
    ).toEqual([])
  })

  test('changes nothing if the caller is demoted at the same time', async () => {
    const [viewer, subject] = [await signUpAdmin(service), await signUp(service)]
    const before = await userOf(subject.id)
    const [demoted, reply] = await meet(
      service,
      { table: 'users', id: viewer.id },
      () => send(SetUserRoles, { id: viewer.id, roles: ['user'] }),
      () => send(document, { id: subject.id, ...variables }, viewer),
    )
    expect([codes(demoted), codes(reply)]).toEqual([[], ['FORBIDDEN']])
    expect(await userOf(subject.id)).toEqual(before)
    expect(await stateOf(service, subject.accessToken)).toBe('LIVE')
  })
})
