import { expect, test } from '@jest/globals'
import { signUp, signUpWith } from '../support/actors.ts'
import { Me, Settings, UserWhole } from '../support/operations.ts'
import { codes, startService, useService } from '../support/service.ts'

const service = useService()

const UNKNOWN_ID = '00000000-0000-7000-8000-000000000000'

test('anyone can read the settings of the server', async () => {
  const { data, errors } = await service.send(Settings)
  expect(errors).toEqual([])
  expect(data?.authSettings).toEqual({
    registrationOpen: true,
    emailVerificationRequired: false,
    passwordMinLength: 8,
    passwordMaxLength: 128,
    passkeys: true,
    passkeyRpId: 'localhost',
    locales: ['en', 'ko'],
  })
})

test('the public settings follow the configuration', async () => {
  const other = await startService({
    databaseUrl: service.app.config.database.url!,
    settings: {
      REGISTRATION: 'closed',
      PASSWORD_MIN_LENGTH: '15',
      PASSWORD_MAX_LENGTH: '64',
      LOCALES: 'ko, de',
    },
  })
  try {
    const { data } = await other.send(Settings)
    expect(data?.authSettings).toMatchObject({
      registrationOpen: false,
      passwordMinLength: 15,
      passwordMaxLength: 64,
      locales: ['ko', 'de'],
    })
  } finally {
    await other.close()
  }
})

test('me is the account that the access token belongs to', async () => {
  const [ada, grace] = [await signUp(service, { username: 'ada' }), await signUp(service)]
  const asAda = await service.send(Me, {}, { token: ada.accessToken })
  expect(asAda.errors).toEqual([])
  expect(asAda.data?.me).toMatchObject({
    id: ada.id,
    email: ada.email,
    emailVerified: false,
    username: 'ada',
    displayName: null,
    locale: 'en',
    roles: ['user'],
    permissions: [],
  })
  const asGrace = await service.send(Me, {}, { token: grace.accessToken })
  expect(asGrace.data?.me?.id).toBe(grace.id)
})

test('a verified address is shown as verified', async () => {
  const { id, accessToken: token } = await signUp(service)
  await service.app.db.user.update({ where: { id }, data: { emailVerifiedAt: service.clock.now() } })
  expect((await service.send(Me, {}, { token })).data?.me?.emailVerified).toBe(true)
})

test.each(['support', 'admin'])('the role %s can read all fields of any account', async role => {
  const subject = await signUp(service)
  const viewer = await signUpWith(service, role)
  const { data, errors } = await service.send(UserWhole, { id: subject.id }, { token: viewer.accessToken })
  expect(errors).toEqual([])
  expect(data?.user).toMatchObject({
    id: subject.id,
    email: subject.email,
    roles: ['user'],
    disabledAt: null,
    sessions: [{ id: subject.sessionId, current: false }],
  })
})

test('users:read shows when an account was disabled', async () => {
  const { id } = await signUp(service)
  const disabledAt = service.clock.now()
  await service.app.db.user.update({ where: { id }, data: { disabledAt } })
  const { accessToken: token } = await signUpWith(service, 'support')
  const { data } = await service.send(UserWhole, { id }, { token })
  expect(data?.user?.disabledAt).toBe(disabledAt.toISOString())
})

test.each([
  ['unknown', UNKNOWN_ID],
  ['not a UUID', 'first'],
  ['empty', ''],
  ['SQL', "' OR true --"],
])('an ID that is %s is NOT_FOUND for holders of users:read', async (_, id) => {
  const { accessToken: token } = await signUpWith(service, 'support')
  const reply = await service.send(UserWhole, { id }, { token })
  expect(codes(reply)).toEqual(['NOT_FOUND'])
  expect(reply.data).toEqual({ user: null })
})

test('everyone else can read only their own account, and cannot find out which IDs exist', async () => {
  const { accessToken: token, id } = await signUp(service)
  const other = await signUp(service)
  const own = await service.send(UserWhole, { id }, { token })
  expect(own.data?.user).toMatchObject({ id, sessions: [{ current: true }] })

  const [existing, unknown] = [
    await service.send(UserWhole, { id: other.id }, { token }),
    await service.send(UserWhole, { id: UNKNOWN_ID }, { token }),
  ]
  expect(codes(existing)).toEqual(['FORBIDDEN'])
  expect([existing.status, existing.data, existing.errors]).toEqual([
    unknown.status,
    unknown.data,
    unknown.errors,
  ])
})
