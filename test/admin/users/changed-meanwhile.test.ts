import { beforeEach, expect, test } from '@jest/globals'
import {
  as,
  newAddress,
  newRole,
  type SignedIn,
  signUp,
  signUpAdmin,
  signUpWith,
} from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { SetUserRoles, UpdateProfile, UpdateUser, UserWhole } from '../../support/operations.ts'
import { meet } from '../../support/race.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, type ErrorFacts, useService } from '../../support/service.ts'

const service = useService()

let admin: SignedIn
let other: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
  other = await signUpAdmin(service)
})

const seen = async (id: string): Promise<string> =>
  String((await service.send(UserWhole, { id }, as(admin))).data?.user?.updatedAt)
const update = (id: string, input: object, expectedUpdatedAt?: string, viewer = admin) =>
  service.send(UpdateUser, { id, input, expectedUpdatedAt }, as(viewer))
const setRoles = (id: string, roles: string[], expectedUpdatedAt?: string, viewer = admin) =>
  service.send(SetUserRoles, { id, roles, expectedUpdatedAt }, as(viewer))
const userOf = (id: string) => service.app.db.user.findUnique({ where: { id }, include: { roles: true } })

test('a change to an account that has not changed since it was read succeeds', async () => {
  const { id } = await signUp(service)
  expect(codes(await update(id, { displayName: 'Grace' }, await seen(id)))).toEqual([])
  expect(codes(await setRoles(id, ['user', 'support'], await seen(id)))).toEqual([])
  expect(await userOf(id)).toMatchObject({ displayName: 'Grace', roles: [{}, {}] })
})

test('updateUser overwrites no change that another administrator made meanwhile, and the error has the current values', async () => {
  const { id, email } = await signUp(service)
  const before = await seen(id)
  await update(id, { displayName: 'Grace', privateMetadata: { plan: 'gold' } }, before, other)
  const reply = await update(id, { displayName: 'Eve' }, before)
  const current = {
    updatedAt: await seen(id),
    email,
    emailVerified: false,
    username: null,
    displayName: 'Grace',
    locale: 'en',
    roles: ['user'],
    publicMetadata: {},
    privateMetadata: { plan: 'gold' },
    disabledAt: null,
  }
  expect(reply.errors).toMatchObject([
    { message: expect.stringContaining('changed since'), extensions: { code: 'CONFLICT', current } },
  ])
  expect(Object.keys(reply.errors[0]?.extensions.current as object).sort()).toEqual(
    Object.keys(current).sort(),
  )
  expect((await userOf(id))?.displayName).toBe('Grace')
  const updates = (await auditOf(service, id)).filter(({ action }) => action === 'user.updated')
  expect(updates.map(({ actorId }) => actorId)).toEqual([other.id])
  expect(codes(await update(id, { displayName: 'Eve' }, current.updatedAt))).toEqual([])
})

test('setUserRoles restores no role that another administrator removed meanwhile', async () => {
  const { id } = await signUpWith(service, 'support')
  const before = await seen(id)
  await setRoles(id, ['user'], before, other)
  const reply = await setRoles(id, ['user', 'support', 'admin'], before)
  expect(reply.errors).toMatchObject([{ extensions: { code: 'CONFLICT', current: { roles: ['user'] } } }])
  expect((await userOf(id))?.roles.map(({ roleName }) => roleName)).toEqual(['user'])
})

test('a change by the owner counts as a change', async () => {
  const owner = await signUp(service)
  const before = await seen(owner.id)
  await service.send(UpdateProfile, { input: { displayName: 'Ada' } }, as(owner))
  expect(codes(await update(owner.id, { displayName: 'Eve' }, before))).toEqual(['CONFLICT'])
  expect((await userOf(owner.id))?.displayName).toBe('Ada')
})

test.each<[string, (id: string, at: string) => Promise<{ errors: ErrorFacts[] }>]>([
  ['two changes of fields', (id, at) => update(id, { locale: 'ko' }, at)],
  ['a change of roles and one of fields', (id, at) => setRoles(id, ['user', 'support'], at)],
])('of %s made at the same time, one succeeds', async (_, first) => {
  const { id } = await signUp(service)
  const before = await seen(id)
  const replies = await meet(
    service,
    { table: 'users', id },
    () => first(id, before),
    () => update(id, { displayName: 'Eve' }, before, other),
  )
  expect(replies.map(codes)).toEqual([[], ['CONFLICT']])
  expect((await userOf(id))?.displayName).toBeNull()
})

test.each([
  ['within the same millisecond', 0],
  ['after the clock moved back', 3_600_000],
])('a change %s counts as a new one', async (_, backMs) => {
  const { id } = await signUp(service)
  const before = await seen(id)
  const updatedAt = new Date(Date.parse(before) - backMs)
  await service.app.db.user.update({ where: { id }, data: { updatedAt, displayName: 'Grace' } })
  expect(Date.parse(await seen(id))).toBeGreaterThan(Date.parse(before))
  expect(codes(await update(id, { displayName: 'Eve' }, before))).toEqual(['CONFLICT'])
})

test('a caller who may not read accounts does not learn the current values', async () => {
  const clerk = await signUpWith(service, await newRole(service, 'users:write'))
  const { id } = await signUp(service)
  const input = { email: newAddress() }
  const text =
    'mutation ($id: ID!, $input: UpdateUserInput!, $at: DateTime) { updateUser(id: $id, input: $input, expectedUpdatedAt: $at) { id } }'
  const reply = await service.send(text, { id, input, at: '2020-01-01T00:00:00Z' }, as(clerk))
  expect(codes(reply)).toEqual(['CONFLICT'])
  expect(reply.errors[0]?.extensions).toEqual({ code: 'CONFLICT' })
})

test('a time that the database cannot store is refused', async () => {
  const { id } = await signUp(service)
  expect(Object.keys(refusedFields(await update(id, { locale: 'ko' }, '0000-01-01T00:00:00Z')))).toEqual([
    'expectedUpdatedAt',
  ])
})
