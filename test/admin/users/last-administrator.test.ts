import { expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { permissions } from '../../../src/permissions/permissions.ts'
import {
  as,
  newAddress,
  newRole,
  PASSWORD,
  type SignedIn,
  signUpAdmin,
  signUpWith,
} from '../../support/actors.ts'
import { mailedToken } from '../../support/mails.ts'
import {
  DeleteAccount,
  DeleteUser,
  DisableUser,
  InviteUser,
  ResetPassword,
  SetUserRoles,
} from '../../support/operations.ts'
import { havePasskey } from '../../support/passkeys.ts'
import { codes, useService } from '../../support/service.ts'
import { stateOf } from '../../support/sessions.ts'

const service = useService()

const send = (document: DocumentNode, variables: Record<string, unknown>, viewer: SignedIn) =>
  service.send(document, variables, as(viewer))

const operationsOnOthers: [string, DocumentNode, Record<string, unknown>][] = [
  ['disable', DisableUser, {}],
  ['delete', DeleteUser, {}],
  ['demote', SetUserRoles, { roles: ['user'] }],
]
const onlyAdmins = (...admins: SignedIn[]) =>
  service.app.db.userRole.deleteMany({
    where: { roleName: 'admin', userId: { notIn: admins.map(({ id }) => id) } },
  })
const administrators = () =>
  service.app.db.userRole.count({ where: { roleName: 'admin', user: { disabledAt: null } } })

const pairs = operationsOnOthers.flatMap(one =>
  operationsOnOthers.map(two => [one[0], two[0], one, two] as const),
)

test.each(pairs)(
  'one administrator remains when the last two %s and %s each other at the same time',
  async (_one, _two, one, two) => {
    for (let round = 0; round < 4; round++) {
      const [first, second] = [await signUpAdmin(service), await signUpAdmin(service)] as const
      await onlyAdmins(first, second)
      const replies = await Promise.all([
        send(one[1], { id: second.id, ...one[2] }, first),
        send(two[1], { id: first.id, ...two[2] }, second),
      ])
      // UNAUTHENTICATED or FORBIDDEN if the other change came first.
      expect(replies.flatMap(codes)).toEqual([
        expect.stringMatching(/^(FORBIDDEN|UNAUTHENTICATED|CONFLICT)$/),
      ])
      expect(await administrators()).toBe(1)
    }
  },
)

test('the last administrator who can sign in stays, even if another one has been invited', async () => {
  const last = await signUpAdmin(service)
  await onlyAdmins(last)
  const email = newAddress()
  expect(codes(await send(InviteUser, { input: { email, roles: ['admin'] } }, last))).toEqual([])
  const demote = () => send(SetUserRoles, { id: last.id, roles: ['user'] }, last)
  expect([codes(await demote()), codes(await send(DeleteAccount, {}, last))]).toEqual([
    ['CONFLICT'],
    ['CONFLICT'],
  ])
  const token = await mailedToken(service, email, 'accept-invitation')
  await service.send(ResetPassword, { input: { token, newPassword: PASSWORD } })
  expect(codes(await demote())).toEqual([])
})

test('the last enabled administrator cannot be disabled, deleted or demoted', async () => {
  const [last, disabled] = [await signUpAdmin(service), await signUpAdmin(service)]
  const peer = await signUpWith(service, await newRole(service, ...Object.keys(permissions)))
  await onlyAdmins(last, disabled)
  expect(codes(await send(DisableUser, { id: disabled.id }, last))).toEqual([])
  for (const [, document, variables] of operationsOnOthers)
    expect(codes(await send(document, { id: last.id, ...variables }, peer))).toEqual(['CONFLICT'])
  expect(await stateOf(service, last.accessToken)).toBe('LIVE')
})

test('an administrator who signs in with a passkey replaces the last one; a security key signs in no one', async () => {
  const [last, other] = [await signUpAdmin(service), await signUpAdmin(service)]
  await onlyAdmins(last, other)
  await service.app.db.user.update({ where: { id: other.id }, data: { passwordHash: null } })
  await havePasskey(service, other.id, { discoverable: false })
  const demote = () => send(SetUserRoles, { id: last.id, roles: ['user'] }, last)
  expect(codes(await demote())).toEqual(['CONFLICT'])
  await havePasskey(service, other.id)
  expect(codes(await demote())).toEqual([])
})
