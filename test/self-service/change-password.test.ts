import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { PASSWORD, type SignedIn, signIn, signUp } from '../support/actors.ts'
import { actionsOf, auditOf } from '../support/audit.ts'
import { ChangePassword, Logout, Me } from '../support/operations.ts'
import { meetingOf, whileProving } from '../support/proving.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'
import { expectDead, refreshed, stateOf } from '../support/sessions.ts'

const service = useService()

const NEW_PASSWORD = 'eighteen copper kettles'

const change = ({ accessToken: token }: Pick<SignedIn, 'accessToken'>, input: Record<string, unknown> = {}) =>
  service.send(
    ChangePassword as DocumentNode,
    { input: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD, ...input } },
    { token },
  )

const userOf = ({ id }: SignedIn) => service.app.db.user.findUniqueOrThrow({ where: { id } })

test('the new password signs in, and the old one no longer does', async () => {
  const account = await signUp(service)
  service.clock.advance(300)
  const { data, errors } = await service.send(
    ChangePassword,
    { input: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD } },
    { token: account.accessToken },
  )
  expect(errors).toEqual([])
  const changedAt = data?.changePassword.passwordChangedAt ?? ''
  expect(Math.abs(Date.parse(changedAt) - service.clock.now().getTime())).toBeLessThan(60_000)
  const me = await service.send(Me, {}, { token: account.accessToken })
  expect(me.data?.me).toMatchObject({ passwordChangedAt: changedAt, updatedAt: changedAt })
  await expect(signIn(service, account.email, NEW_PASSWORD)).resolves.toMatchObject({ id: account.id })
  await expect(signIn(service, account.email, PASSWORD)).rejects.toThrow('INVALID_CREDENTIALS')
})

test('it ends all other sessions with both of their tokens, and keeps its own', async () => {
  const other = await signUp(service)
  const own = await signIn(service, other.email)
  const stranger = await signUp(service)
  expect(codes(await change(own))).toEqual([])
  await expectDead(service, other)
  expect(await stateOf(service, own.accessToken)).toBe('LIVE')
  await refreshed(service, own.refreshToken)
  expect(await stateOf(service, stranger.accessToken)).toBe('LIVE')
})

test('it is recorded, with the number of sessions that it ended', async () => {
  const other = await signUp(service)
  const own = await signIn(service, other.email)
  await change(own)
  const events = (await auditOf(service, own.id)).slice(3)
  expect(events).toMatchObject([
    {
      action: 'session.revoked',
      actorId: own.id,
      detail: { count: 1, because: 'password changed' },
    },
    { action: 'user.password_changed', actorId: own.id, ipAddress: '127.0.0.1' },
  ])
})

describe('nothing changes', () => {
  test.each([
    ['with a wrong password', { currentPassword: 'wrong' }, 'INVALID_CREDENTIALS'],
    [
      'with the correct password in another case',
      { currentPassword: PASSWORD.toUpperCase() },
      'INVALID_CREDENTIALS',
    ],
    ['with a new password that is too short', { newPassword: 'short' }, 'BAD_USER_INPUT'],
  ])('%s', async (_, input, code) => {
    const other = await signUp(service)
    const own = await signIn(service, other.email)
    const before = await userOf(own)
    const reply = await change(own, input)
    expect(codes(reply)).toEqual([code])
    expect(reply.data).toBeNull()
    expect(await userOf(own)).toEqual(before)
    expect(await stateOf(service, other.accessToken)).toBe('LIVE')
    const denied = (await actionsOf(service, own.id)).filter(action => action === 'session.denied')
    expect(denied).toHaveLength(code === 'INVALID_CREDENTIALS' ? 1 : 0)
  })
})

test.each([
  ['currentPassword', ['', 'a'.repeat(4097), null, 7]],
  [
    'newPassword',
    ['', 'a'.repeat(4097), null, 7, 'short', 'a'.repeat(129), 'iloveyou1', 'two\nlines of text'],
  ],
] as [string, unknown[]][])('an invalid %s is rejected by field', async (field, values) => {
  const account = await signUp(service)
  for (const value of values) {
    expect(Object.keys(refusedFields(await change(account, { [field]: value })))).toEqual([`input.${field}`])
  }
})

test('a new password based on the account’s names is rejected with advice', async () => {
  const account = await signUp(service, {
    email: 'zebulon.kettlewick@change.example',
    username: 'quasimodo_77',
  })
  for (const newPassword of ['zebulonkettlewick', 'Quasimodo_77!']) {
    expect(refusedFields(await change(account, { newPassword }))).toEqual({
      'input.newPassword': ['Do not base the password on your name, username, or email address.'],
    })
  }
})

test('the current and the new password match in any Unicode composition', async () => {
  const account = await signUp(service)
  const composed = 'pâté de Zürich'.normalize('NFC')
  const decomposed = composed.normalize('NFD')
  expect(codes(await change(account, { newPassword: decomposed }))).toEqual([])
  expect(codes(await change(account, { currentPassword: composed }))).toEqual([])
})

test('the current password is no new password', async () => {
  const account = await signUp(service)
  const before = await userOf(account)
  expect(refusedFields(await change(account, { newPassword: PASSWORD }))).toEqual({
    'input.newPassword': ['This is your current password. Choose a different one.'],
  })
  expect(await userOf(account)).toEqual(before)
})

test('an account without a password cannot change it', async () => {
  const account = await signUp(service)
  await service.app.db.user.update({ where: { id: account.id }, data: { passwordHash: null } })
  expect(codes(await change(account))).toEqual(['INVALID_CREDENTIALS'])
})

test('of two simultaneous changes with the correct password, one wins, and only its session stays live', async () => {
  const one = await signUp(service)
  const two = await signIn(service, one.email)
  const replies = await whileProving(service, meetingOf(2), () =>
    Promise.all([
      change(one, { newPassword: 'nineteen silver spoons' }),
      change(two, { newPassword: 'twenty golden thimbles' }),
    ]),
  )
  expect(replies.flatMap(codes)).toEqual(['INVALID_CREDENTIALS'])
  const oneWon = codes(replies[0]).length === 0
  const [winner, loser] = oneWon ? [one, two] : [two, one]
  expect(await stateOf(service, winner.accessToken)).toBe('LIVE')
  await expectDead(service, loser)
  const password = oneWon ? 'nineteen silver spoons' : 'twenty golden thimbles'
  await expect(signIn(service, one.email, password)).resolves.toMatchObject({ id: one.id })
  const changes = (await actionsOf(service, one.id)).filter(action => action === 'user.password_changed')
  expect(changes).toHaveLength(1)
})

test('a session that ends during the change stays ended', async () => {
  const account = await signUp(service)
  await whileProving(
    service,
    () => service.send(Logout, {}, { token: account.accessToken }),
    () => change(account),
  )
  await expectDead(service, account)
})
