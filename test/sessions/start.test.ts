import { describe, expect, test } from '@jest/globals'
import type { LoginInput } from '../generated/graphql.ts'
import { PASSWORD, signUp } from '../support/actors.ts'
import { Login, Register } from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'
import { DAY, FIREFOX, HOUR, refresh, refreshed, secondsUntil } from '../support/sessions.ts'

const service = useService()

async function login(input: Partial<LoginInput> = {}, headers: Record<string, string> = {}) {
  const { email } = await signUp(service)
  return service.send(Login, { input: { identifier: email, password: PASSWORD, ...input } }, { headers })
}

async function started(...args: Parameters<typeof login>) {
  const { data, errors } = await login(...args)
  if (!data?.login.refreshToken) throw new Error(JSON.stringify(errors))
  return { ...data.login, refreshToken: data.login.refreshToken }
}

describe('the lifetime of a session', () => {
  test.each([
    ['30 days by default', {}, 30],
    ['30 days with rememberMe: null', { rememberMe: null }, 30],
    ['30 days with rememberMe: true', { rememberMe: true }, 30],
    ['a day with rememberMe: false', { rememberMe: false }, 1],
  ])('a session lasts %s', async (_case, input, days) => {
    const { session, refreshTokenExpiresAt } = await started(input)
    expect(Math.abs(secondsUntil(service, session.expiresAt) - days * DAY)).toBeLessThan(5)
    expect(refreshTokenExpiresAt).toBe(session.expiresAt)
  })

  test('with rememberMe: false a session ends within a day, even if it is used', async () => {
    const { refreshToken, session } = await started({ rememberMe: false })
    service.clock.advance(23 * HOUR)
    const reply = await refresh(service, refreshToken)
    expect(reply.data?.refreshToken.session.expiresAt).toBe(session.expiresAt)
    service.clock.advance(HOUR)
    expect(codes(await refresh(service, reply.data?.refreshToken.refreshToken ?? ''))).toEqual([
      'REFRESH_TOKEN_INVALID',
    ])
  })

  test('with rememberMe: false no access token outlives the day', async () => {
    const { refreshToken } = await started({ rememberMe: false })
    service.clock.advance(23 * HOUR)
    const { accessTokenExpiresAt } = await refreshed(service, refreshToken, { accessTokenTtlSeconds: DAY })
    expect(Math.abs(secondsUntil(service, accessTokenExpiresAt) - HOUR)).toBeLessThan(5)
  })

  test('a registration starts a remembered session', async () => {
    const { refreshToken } = await signUp(service)
    service.clock.advance(29 * DAY)
    await refreshed(service, refreshToken)
  })
})

describe('the name of the device', () => {
  test.each([
    ['is the one that the client sends', 'Ada’s phone', FIREFOX, 'Ada’s phone'],
    ['is trimmed', '  Ada’s phone ', FIREFOX, 'Ada’s phone'],
    ['can have 100 characters in any script', '폰'.repeat(100), FIREFOX, '폰'.repeat(100)],
    ['comes from the user agent if the client sends none', undefined, FIREFOX, 'Firefox on Linux'],
    ['comes from the user agent if the client sends null', null, FIREFOX, 'Firefox on Linux'],
    ['comes from the user agent if the client sends only spaces', '  ', 'okhttp/4.12.0', 'Android app'],
    ['is null if the user agent is unknown too', undefined, 'Unheard/1.0', null],
  ])('the device name %s', async (_case, deviceName, userAgent, expected) => {
    const input = deviceName === undefined ? {} : { deviceName }
    const { session } = await started(input, { 'user-agent': userAgent })
    expect(session).toMatchObject({ deviceName: expected, userAgent, current: true })
  })

  test.each([
    ['101 characters', 'x'.repeat(101)],
    ['a line break', 'a\nb'],
    ['a NUL', 'a\u0000b'],
    ['a change of direction', 'a\u202eb'],
  ])('a device name of %s is refused at login and at registration', async (_case, deviceName) => {
    const refused = await login({ deviceName })
    const input = { email: 'refused@example.com', password: PASSWORD, deviceName }
    for (const reply of [refused, await service.send(Register, { input })])
      expect(Object.keys(refusedFields(reply))).toEqual(['input.deviceName'])
  })

  test('the device name stays when another client continues the session', async () => {
    const { refreshToken, session } = await started({}, { 'user-agent': FIREFOX })
    await refreshed(service, refreshToken, {}, { headers: { 'user-agent': 'curl/8.5.0' } })
    const row = await service.app.db.session.findUnique({ where: { id: session.id } })
    expect(row).toMatchObject({ deviceName: 'Firefox on Linux', userAgent: 'curl/8.5.0' })
  })
})

test('a session shows where it was started from', async () => {
  const { session } = await started()
  expect(session).toMatchObject({
    ipAddress: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    userAgent: 'node',
    deviceName: 'Node.js',
  })
})

test('headers that claim another client address are ignored', async () => {
  const spoofed = {
    'x-forwarded-for': '203.0.113.9',
    forwarded: 'for=203.0.113.9',
    'x-real-ip': '203.0.113.9',
  }
  const { session } = await started({}, spoofed)
  expect(session.ipAddress).toMatch(/^(127\.0\.0\.1|::1)$/)
})

test('a user agent is truncated to 512 characters', async () => {
  const { session } = await started({}, { 'user-agent': 'x'.repeat(5000) })
  expect(session.userAgent).toHaveLength(512)
})
