import { describe, expect, test } from '@jest/globals'
import { as, PASSWORD, type SignedIn, signUp, signUpAdmin, signUpVerified } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { firstStep, haveTotp } from '../support/factors.ts'
import { mailedToken } from '../support/mails.ts'
import {
  ChangePassword,
  CompleteLogin,
  MyTrustedDevices,
  RequestPasswordReset,
  ResetPassword,
  RevokeTrustedDevice,
  RevokeTrustedDevices,
} from '../support/operations.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'
import { DAY } from '../support/sessions.ts'

const service = useService({ settings: { LIMIT_MAIL_NETWORK: '1000/1h' } })
const NEW = 'eighteen copper kettles'

async function signUpWithTotp(on = service) {
  const account = await signUpVerified(on)
  return { ...account, app: await haveTotp(on, account.id) }
}
type WithTotp = Awaited<ReturnType<typeof signUpWithTotp>>

/** Signs in with both factors and trusts the device; returns the session and the device's token. */
async function trust(
  { email, app, id }: WithTotp,
  { on = service, trustDevice = true }: { on?: Service; trustDevice?: boolean } = {},
) {
  const first = await firstStep(on, email, { deviceName: 'Ada’s laptop' })
  if (first.data?.login.__typename !== 'SecondFactorRequired') throw new Error('no second factor is demanded')
  const { ticket } = first.data.login
  const input = { ticket, proof: { totpCode: app.code() }, trustDevice }
  const { data, errors } = await on.send(CompleteLogin, { input })
  if (!data?.completeLogin.deviceToken) throw new Error(JSON.stringify(errors))
  const { accessToken, deviceToken, session } = data.completeLogin
  return { id, accessToken, deviceToken, sessionId: session.id }
}

/** What a sign-in with the password gets on the device. */
async function stepOn(
  email: string,
  deviceToken: string,
  password = PASSWORD,
  on = service,
): Promise<unknown> {
  const { data, errors } = await firstStep(on, email, { deviceToken, password })
  return data?.login.__typename ?? codes({ errors })
}

const devicesOf = async ({ accessToken }: Pick<SignedIn, 'accessToken'>) =>
  (await service.send(MyTrustedDevices, {}, { token: accessToken })).data?.me?.trustedDevices

describe('a trusted device', () => {
  test('signs in with the password alone, at SINGLE, and no other device does', async () => {
    const account = await signUpWithTotp()
    const { deviceToken } = await trust(account)
    const { data } = await firstStep(service, account.email, { deviceToken })
    expect(data?.login).toMatchObject({ __typename: 'AuthPayload', session: { strength: 'SINGLE' } })
    expect((await firstStep(service, account.email)).data?.login.__typename).toBe('SecondFactorRequired')
    const stranger = (await trust(await signUpWithTotp())).deviceToken
    expect(await stepOn(account.email, stranger)).toBe('SecondFactorRequired')
  })

  test('is not trusted unless its user chooses so', async () => {
    const account = await signUpWithTotp()
    const { accessToken, deviceToken } = await trust(account, { trustDevice: false })
    expect(await stepOn(account.email, deviceToken)).toBe('SecondFactorRequired')
    expect(await devicesOf({ accessToken })).toEqual([])
  })

  test('needs the second factor again after TRUSTED_DEVICE_TTL, however often it signed in', async () => {
    const account = await signUpWithTotp()
    const { deviceToken } = await trust(account)
    service.clock.advance(29 * DAY)
    expect(await stepOn(account.email, deviceToken)).toBe('AuthPayload')
    service.clock.advance(1 * DAY + 1)
    expect(await stepOn(account.email, deviceToken)).toBe('SecondFactorRequired')
  })

  test('is listed to its owner with what they need to recognize it, and on record', async () => {
    const account = await signUpWithTotp()
    const trusted = await trust(account)
    service.clock.advance(60)
    const other = await trust(account, { trustDevice: false })
    const shown = {
      id: expect.any(String),
      name: 'Ada’s laptop',
      current: true,
      trustedUntil: expect.any(String),
      lastUsedAt: expect.any(String),
      ipAddress: '127.0.0.1',
    }
    expect(await devicesOf(trusted)).toEqual([shown])
    expect(await devicesOf(other)).toEqual([{ ...shown, current: false }])
    expect(await actionsOf(service, account.id)).toContain('device.trusted')
  })
})

describe('trust ends', () => {
  test('for one device, which stays signed in', async () => {
    const account = await signUpWithTotp()
    const one = await trust(account)
    service.clock.advance(60)
    const two = await trust(account)
    const id = (await devicesOf(one))?.find(({ current }) => current)?.id ?? ''
    expect((await service.send(RevokeTrustedDevice, { id }, as(two))).data?.revokeTrustedDevice).toBe(true)
    expect(await stepOn(account.email, one.deviceToken)).toBe('SecondFactorRequired')
    expect(await stepOn(account.email, two.deviceToken)).toBe('AuthPayload')
    expect(await devicesOf(one)).toHaveLength(1)
    expect(codes(await service.send(RevokeTrustedDevice, { id }, as(two)))).toEqual(['NOT_FOUND'])
    expect(await actionsOf(service, account.id)).toContain('device.trust_ended')
  })

  test('for all devices at the same time', async () => {
    const account = await signUpWithTotp()
    const one = await trust(account)
    service.clock.advance(60)
    const two = await trust(account)
    const revoke = () => service.send(RevokeTrustedDevices, {}, as(one))
    const replies = await Promise.all([revoke(), revoke()])
    expect(replies.map(({ data }) => data?.revokeTrustedDevices).sort()).toEqual([0, 2])
    for (const { deviceToken } of [one, two])
      expect(await stepOn(account.email, deviceToken)).toBe('SecondFactorRequired')
  })

  test('with a reset of the password, also on the device that resets it', async () => {
    const account = await signUpWithTotp()
    const { deviceToken } = await trust(account)
    await service.send(RequestPasswordReset, { input: { email: account.email } })
    const token = await mailedToken(service, account.email, 'reset-password')
    const input = { token, newPassword: NEW, deviceToken }
    expect(codes(await service.send(ResetPassword, { input }))).toEqual([])
    expect(await stepOn(account.email, deviceToken, NEW)).toBe('SecondFactorRequired')
  })

  test('with a changed password, on all devices but the one that changed it', async () => {
    const account = await signUpWithTotp()
    const one = await trust(account)
    service.clock.advance(60)
    const two = await trust(account)
    const input = { currentPassword: PASSWORD, newPassword: NEW, deviceToken: two.deviceToken }
    expect(codes(await service.send(ChangePassword, { input }, as(two)))).toEqual([])
    expect(await stepOn(account.email, one.deviceToken, NEW)).toBe('SecondFactorRequired')
    expect(await stepOn(account.email, two.deviceToken, NEW)).toBe('AuthPayload')
  })

  test('for no one else’s device', async () => {
    const account = await signUpWithTotp()
    const trusted = await trust(account)
    const [device] = (await devicesOf(trusted)) ?? []
    const stranger = await signUp(service)
    for (const id of [device?.id ?? '', 'x'])
      expect(codes(await service.send(RevokeTrustedDevice, { id }, as(stranger)))).toEqual(['NOT_FOUND'])
    expect((await service.send(RevokeTrustedDevices, {}, as(stranger))).data?.revokeTrustedDevices).toBe(0)
    expect(await stepOn(account.email, trusted.deviceToken)).toBe('AuthPayload')
    const query = `{ user(id: "${account.id}") { trustedDevices { id } } }`
    expect(codes(await service.send(query, {}, as(stranger)))).toEqual(['FORBIDDEN'])
    const seen = await service.send<{ user: unknown }, object>(query, {}, as(await signUpAdmin(service)))
    expect(seen.data?.user).toEqual({ trustedDevices: [{ id: device?.id }] })
  })
})

describe('no device is trusted', () => {
  test('where a role demands the second factor, even one that was trusted before', async () => {
    const account = await signUpWithTotp()
    const { deviceToken } = await trust(account)
    const secondFactorRequiredFrom = service.clock.now()
    const name = `strict-${account.id.slice(-8)}`
    await service.app.db.role.create({ data: { name, permissions: [], secondFactorRequiredFrom } })
    await service.app.db.userRole.create({ data: { userId: account.id, roleName: name } })
    const { data } = await firstStep(service, account.email, { deviceToken })
    expect(data?.login).toMatchObject({ __typename: 'SecondFactorRequired', canTrustDevice: false })
    service.clock.advance(60)
    const again = await trust(account)
    expect(await stepOn(account.email, again.deviceToken)).toBe('SecondFactorRequired')
    expect(await devicesOf(again)).toHaveLength(1)
  })

  test('with TRUSTED_DEVICE_TTL=off, even one that was trusted before', async () => {
    const account = await signUpWithTotp()
    const { deviceToken } = await trust(account)
    const off = await startService({
      databaseUrl: service.app.config.database.url ?? '',
      clock: service.clock,
      settings: { TRUSTED_DEVICE_TTL: 'off' },
    })
    try {
      expect(await stepOn(account.email, deviceToken, PASSWORD, off)).toBe('SecondFactorRequired')
      const { data } = await off.send<{ authSettings: object }, object>(
        '{ authSettings { trustedDeviceDays } }',
      )
      expect(data?.authSettings).toEqual({ trustedDeviceDays: 0 })
    } finally {
      await off.close()
    }
  })
})

test('a client can offer it: canTrustDevice and trustedDeviceDays', async () => {
  const { email } = await signUpWithTotp()
  expect((await firstStep(service, email)).data?.login).toMatchObject({ canTrustDevice: true })
  const { data } = await service.send<{ authSettings: object }, object>(
    '{ authSettings { trustedDeviceDays } }',
  )
  expect(data?.authSettings).toEqual({ trustedDeviceDays: 30 })
})
