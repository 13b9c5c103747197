import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { PASSWORD, signIn, signUp, signUpWith } from '../support/actors.ts'
import {
  ChangePassword,
  Login,
  RevokeAllSessions,
  RevokeSession,
  SetUserRoles,
} from '../support/operations.ts'
import { codes, type Service, startService } from '../support/service.ts'
import { countEvents, expectDead, refresh, refreshed, stateOf } from '../support/sessions.ts'

const ATTEMPTS = 10
const settings = { LIMIT_LOGIN_ACCOUNT: `${ATTEMPTS}/15m`, LIMIT_LOGIN_DEVICE: `${ATTEMPTS}/15m` }

let one: Service
let two: Service

beforeAll(async () => {
  one = await startService({ settings })
  two = await startService({ settings, databaseUrl: one.app.config.database.url ?? '', clock: one.clock })
})
afterAll(async () => {
  await two.close()
  await one.close()
})

const either = (n: number) => (n % 2 ? one : two)

test('password guesses are counted across both replicas', async () => {
  const identifier = 'stranger@example.com'
  const guess = (n: number) => either(n).send(Login, { input: { identifier, password: `${PASSWORD} ${n}` } })
  const replies = await Promise.all(Array.from({ length: 4 * ATTEMPTS }, (_, n) => guess(n)))
  const said = replies.flatMap(codes)
  expect(said.filter(code => code === 'INVALID_CREDENTIALS')).toHaveLength(ATTEMPTS)
  expect(said.filter(code => code === 'RATE_LIMITED')).toHaveLength(3 * ATTEMPTS)
})

test('a refresh token used on one replica and again on the other ends the session on both', async () => {
  const account = await signUp(one)
  const second = await refreshed(one, account.refreshToken)
  const third = await refreshed(two, second.refreshToken)
  expect(codes(await refresh(two, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  await expectDead(one, third)
  await expectDead(two, third)
  expect(await countEvents(one, account.sessionId, 'session.reuse_detected')).toBe(1)
})

test('the reuse of a token on both replicas at the same time is detected once', async () => {
  const account = await signUp(one)
  const second = await refreshed(one, account.refreshToken)
  await refreshed(two, second.refreshToken)
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, n) => refresh(either(n), account.refreshToken)),
  )
  expect(replies.flatMap(codes)).toEqual(Array(40).fill('REFRESH_TOKEN_INVALID'))
  expect(await countEvents(two, account.sessionId, 'session.reuse_detected')).toBe(1)
})

test('a session revoked on one replica is refused by the other on the next request', async () => {
  const account = await signUp(one)
  const elsewhere = await signIn(two, account.email)
  expect(await stateOf(two, account.accessToken)).toBe('LIVE')
  await two.send(RevokeSession, { id: account.sessionId }, { token: elsewhere.accessToken })
  await expectDead(one, account)
  expect(await stateOf(one, elsewhere.accessToken)).toBe('LIVE')
  await one.send(RevokeAllSessions, {}, { token: elsewhere.accessToken })
  await expectDead(two, elsewhere)
})

test('a password change on one replica ends the sessions on the other', async () => {
  const account = await signUp(one)
  const elsewhere = await signIn(two, account.email)
  const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper engines' }
  expect(codes(await one.send(ChangePassword, { input }, { token: account.accessToken }))).toEqual([])
  await expectDead(two, elsewhere)
  expect(codes(await two.send(Login, { input: { identifier: account.email, password: PASSWORD } }))).toEqual([
    'INVALID_CREDENTIALS',
  ])
})

test('a role removed on one replica is gone on the other', async () => {
  const administrator = await signUpWith(one, 'admin')
  await signUpWith(one, 'admin')
  const roles = (service: Service, names: string[]) =>
    service.send(SetUserRoles, { id: administrator.id, roles: names }, { token: administrator.accessToken })
  expect(codes(await roles(two, ['user', 'admin']))).toEqual([])
  expect(codes(await roles(one, ['user']))).toEqual([])
  expect(codes(await roles(two, ['user', 'admin']))).toEqual(['FORBIDDEN'])
})
