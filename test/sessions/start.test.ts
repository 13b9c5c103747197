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

describe('how long a session lasts', () => {
  test.each([
    ['30 days unless told', {}, 30],
    ['30 days with rememberMe: null', { rememberMe: null }, 30],
    ['30 days with rememberMe: true', { rememberMe: true }, 30],
    ['a day with rememberMe: false', { rememberMe: false }, 1],
  ])('%s', async (_case, input, days) => {
    const { session, refreshTokenExpiresAt } = await started(input)
    expect(Math.abs(secondsUntil(service, session.expiresAt) - days * DAY)).toBeLessThan(5)
    expect(refreshTokenExpiresAt).toBe(session.expiresAt)
  })

  test('rememberMe: false ends it within a day, however much it is used', async () => {
    const { refreshToken, session } = await started({ rememberMe: false })
    service.clock.advance(23 * HOUR)
    const reply = await refresh(service, refreshToken)
    expect(reply.data?.refreshToken.session.expiresAt).toBe(session.expiresAt)
    service.clock.advance(HOUR)
    expect(codes(await refresh(service, reply.data?.refreshToken.refreshToken ?? ''))).toEqual([
      'REFRESH_TOKEN_INVALID',
    ])
  })

  test('rememberMe: false lets no access token outlive the day', async () => {
    const { refreshToken } = await started({ rememberMe: false })
    service.clock.advance(23 * HOUR)
    const { accessTokenExpiresAt } = await refreshed(service, refreshToken, { accessTokenTtlSeconds: DAY })
    expect(Math.abs(secondsUntil(service, accessTokenExpiresAt) - HOUR)).toBeLessThan(5)
  })

  test('a registration starts one that is remembered', async () => {
    const { refreshToken } = await signUp(service)
    service.clock.advance(29 * DAY)
    await refreshed(service, refreshToken)
  })
})

describe('the name of the device', () => {
  test.each([
    ['is what the client says', 'Ada’s phone', FIREFOX, 'Ada’s phone'],
    ['is trimmed', '  Ada’s phone ', FIREFOX, 'Ada’s phone'],
    ['may be 100 characters in any script', '폰'.repeat(100), FIREFOX, '폰'.repeat(100)],
    ['comes from the user agent where the client says none', undefined, FIREFOX, 'Firefox on Linux'],
    ['or null', null, FIREFOX, 'Firefox on Linux'],
    ['or only blanks', '  ', 'okhttp/4.12.0', 'Android app'],
    ['is null where the user agent tells nothing either', undefined, 'Unheard/1.0', null],
  ])('%s', async (_case, deviceName, userAgent, expected) => {
    const input = deviceName === undefined ? {} : { deviceName }
    const { session } = await started(input, { 'user-agent': userAgent })
    expect(session).toMatchObject({ deviceName: expected, userAgent, current: true })
  })

  test.each([
    ['101 characters', 'x'.repeat(101)],
    ['a line break', 'a\nb'],
    ['a NUL', 'a\u0000b'],
    ['a change of direction', 'a\u202eb'],
  ])('of %s is refused, at login and at registration', async (_case, deviceName) => {
    const refused = await login({ deviceName })
    const input = { email: 'refused@example.com', password: PASSWORD, deviceName }
    for (const reply of [refused, await service.send(Register, { input })])
      expect(Object.keys(refusedFields(reply))).toEqual(['input.deviceName'])
  })

  test('stays when another client goes on with the session', async () => {
    const { refreshToken, session } = await started({}, { 'user-agent': FIREFOX })
    await refreshed(service, refreshToken, {}, { headers: { 'user-agent': 'curl/8.5.0' } })
    const row = await service.app.db.session.findUnique({ where: { id: session.id } })
    expect(row).toMatchObject({ deviceName: 'Firefox on Linux', userAgent: 'curl/8.5.0' })
  })
})

test('a session says from where it was started', async () => {
  const { session } = await started()
  expect(session).toMatchObject({
    ipAddress: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    userAgent: 'node',
    deviceName: 'Node.js',
  })
})

test('what a client says of its address in headers is not believed', async () => {
  const spoofed = {
    'x-forwarded-for': '203.0.113.9',
    forwarded: 'for=203.0.113.9',
    'x-real-ip': '203.0.113.9',
  }
  const { session } = await started({}, spoofed)
  expect(session.ipAddress).toMatch(/^(127\.0\.0\.1|::1)$/)
})

test('512 characters of a user agent are kept', async () => {
  const { session } = await started({}, { 'user-agent': 'x'.repeat(5000) })
  expect(session.userAgent).toHaveLength(512)
})
