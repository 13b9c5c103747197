import { expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { PASSWORD, type SignedIn, signIn, signUp } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { Logout, Refresh } from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'
import { expectDead, refreshed, stateOf } from '../support/sessions.ts'

const service = useService()

const COOKIE = 'authograph_refresh'

const logout = (refreshToken?: string, sending: Parameters<typeof service.send>[2] = {}) =>
  service.send(Logout, refreshToken === undefined ? {} : { input: { refreshToken } }, sending)

const SUCCESS = { errors: [], data: { logout: true } }

test.each<[string, (session: SignedIn) => ReturnType<typeof logout>]>([
  ['an access token', ({ accessToken: token }) => logout(undefined, { token })],
  ['a refresh token', ({ refreshToken }) => logout(refreshToken)],
  ['the pair of tokens', ({ accessToken: token, refreshToken }) => logout(refreshToken, { token })],
  [
    'the cookie from one of our pages',
    ({ refreshToken }) =>
      logout(undefined, {
        headers: { cookie: `${COOKIE}=${refreshToken}`, origin: service.app.config.publicUrl },
      }),
  ],
])('%s immediately ends its session and no other, and the end is recorded', async (_, end) => {
  const other = await signUp(service)
  const session = await signIn(service, other.email)
  expect(await end(session)).toMatchObject(SUCCESS)
  await expectDead(service, session)
  expect(await stateOf(service, other.accessToken)).toBe('LIVE')
  const ended = (await auditOf(service, session.id)).filter(event => event.action === 'session.ended')
  expect(ended).toMatchObject([{ detail: { sessionId: session.sessionId } }])
})

test('tokens of two sessions end both', async () => {
  const one = await signUp(service)
  const two = await signIn(service, one.email)
  expect(await logout(two.refreshToken, { token: one.accessToken })).toMatchObject(SUCCESS)
  await expectDead(service, one)
  await expectDead(service, two)
})

test('an access token that has expired still ends its session', async () => {
  const session = await signUp(service)
  service.clock.advance(service.app.config.tokens.accessTtlSeconds + 120)
  expect(await stateOf(service, session.accessToken)).toBe('EXPIRED')
  expect(await logout(undefined, { token: session.accessToken })).toMatchObject(SUCCESS)
  expect(codes(await service.send(Refresh, { input: { refreshToken: session.refreshToken } }))).toEqual([
    'REFRESH_TOKEN_INVALID',
  ])
})

test('a refresh token that has been exchanged still ends its session', async () => {
  const session = await signUp(service)
  const pair = await refreshed(service, session.refreshToken)
  expect(await logout(session.refreshToken)).toMatchObject(SUCCESS)
  await expectDead(service, pair)
})

test('signing out repeatedly or simultaneously is not an error, and is recorded once', async () => {
  const session = await signUp(service)
  const out = () => logout(session.refreshToken, { token: session.accessToken })
  const replies = await Promise.all([out(), out(), out()])
  for (const reply of [...replies, await out()]) expect(reply).toMatchObject(SUCCESS)
  const actions = (await auditOf(service, session.id)).map(event => event.action)
  expect(actions).toEqual(['user.registered', 'session.started', 'session.ended'])
})

test('a request without tokens or with forged tokens is not an error and ends no session', async () => {
  const session = await signUp(service)
  const { sessionId, refreshToken } = session
  const forged = `${refreshToken.slice(0, -43)}${'A'.repeat(43)}`
  const unsigned = `${session.accessToken.split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`
  for (const reply of [
    await logout(),
    await logout(''),
    await logout('no token'),
    await logout(sessionId),
    await logout(forged),
    await logout(undefined, { token: 'stale' }),
    await logout(undefined, { token: unsigned }),
    await logout(session.accessToken),
  ]) {
    expect(reply).toMatchObject(SUCCESS)
  }
  expect(await stateOf(service, session.accessToken)).toBe('LIVE')
})

test('a page of another site cannot sign out with the cookie', async () => {
  const session = await signUp(service)
  const headers = { cookie: `${COOKIE}=${session.refreshToken}`, origin: 'https://evil.example' }
  expect(await logout(undefined, { headers })).toMatchObject(SUCCESS)
  expect(await stateOf(service, session.accessToken)).toBe('LIVE')
})

test('the cookie is cleared', async () => {
  const { refreshToken } = await signUp(service)
  const headers = { cookie: `${COOKIE}=${refreshToken}`, origin: service.app.config.publicUrl }
  const reply = await logout(undefined, { headers })
  expect(reply.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^authograph_refresh=;.*Expires=Thu, 01 Jan 1970/),
  ])
  expect((await logout()).headers.getSetCookie()).toEqual([])
})

test('a refresh token of the wrong type is rejected by field', async () => {
  const reply = await service.send(Logout as DocumentNode, { input: { refreshToken: 7 } })
  expect(Object.keys(refusedFields(reply))).toEqual(['input.refreshToken'])
})

test('the account can sign in again afterward', async () => {
  const { id, email, accessToken } = await signUp(service)
  await logout(undefined, { token: accessToken })
  await expect(signIn(service, email, PASSWORD)).resolves.toMatchObject({ id })
})
