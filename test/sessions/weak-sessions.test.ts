import { describe, expect, test } from '@jest/globals'
import { as, newRole, PASSWORD, type SignedIn, signUp, signUpWith } from '../support/actors.ts'
import { haveTotp } from '../support/factors.ts'
import { Logout, Me, Refresh, StepUp } from '../support/operations.ts'
import { watchQueries } from '../support/queries.ts'
import { codes, useService } from '../support/service.ts'
import { addSomePasskey, addSomeTotp } from '../support/some-factors.ts'

const service = useService()

/** A role that requires a second factor from this many seconds from now on. */
async function strictRole(inSeconds: number, ...permissions: string[]): Promise<string> {
  const name = await newRole(service, ...permissions)
  const secondFactorRequiredFrom = new Date(service.clock.now().getTime() + inSeconds * 1000)
  await service.app.db.role.update({ where: { name }, data: { secondFactorRequiredFrom } })
  return name
}

const prove = (
  { sessionId }: SignedIn,
  ...times: ('totpAt' | 'passkeyAt' | 'keyAt' | 'emailAt' | 'recoveryAt')[]
) =>
  service.app.db.session.update({
    where: { id: sessionId },
    data: Object.fromEntries(times.map(time => [time, service.clock.now()])),
  })

const OTHERS = [
  '{ roles { name } }',
  '{ user(id: "$id") { id } }',
  'mutation { updateProfile(input: { displayName: "Eve" }) { id } }',
  'mutation { revokeOtherSessions }',
  'mutation { revokeAllSessions }',
  'mutation { changePassword(input: { currentPassword: "seventeen brass engines", newPassword: "eighteen brass engines" }) { id } }',
  'mutation { deleteAccount }',
  '{ users { nodes { id } } }',
]

describe('a session that is too weak for a role of its account', () => {
  test('can do nothing but read its own account, end and refresh', async () => {
    const ada = await signUpWith(service, await strictRole(-1, 'users:read'))
    for (const text of OTHERS) {
      const reply = await service.send(text.replace('$id', ada.id), {}, as(ada))
      expect([text, ...codes(reply)]).toEqual([text, 'STEP_UP_REQUIRED'])
    }
    const me = await service.send(Me, {}, as(ada))
    expect(me.errors).toEqual([])
    expect(me.data?.me).toMatchObject({ id: ada.id, email: ada.email })
    const { data } = await service.send(Refresh, { input: { refreshToken: ada.refreshToken } })
    expect(data?.refreshToken.user.id).toBe(ada.id)
    const token = data?.refreshToken.accessToken
    expect(codes(await service.send('{ roles { name } }', {}, { token }))).toEqual(['STEP_UP_REQUIRED'])
    expect((await service.send(Logout, {}, { token })).data?.logout).toBe(true)
    expect(codes(await service.send(Me, {}, { token }))).toEqual(['UNAUTHENTICATED'])
  })

  test('is too weak from its next request after the time that the role names, and not before', async () => {
    const ada = await signUpWith(service, await strictRole(60))
    expect((await service.send('{ roles { name } }', {}, as(ada))).errors).toEqual([])
    service.clock.advance(61)
    expect(codes(await service.send('{ roles { name } }', {}, as(ada)))).toEqual(['STEP_UP_REQUIRED'])
  })

  test('is strong enough after a step-up, but not with an access token from before it', async () => {
    const ada = await signUpWith(service, await strictRole(-1))
    const app = await haveTotp(service, ada.id)
    const proofs = [{ password: PASSWORD }, { totpCode: app.code() }]
    const { data, errors } = await service.send(StepUp, { input: { proofs } }, as(ada))
    expect(errors).toEqual([])
    const token = data?.stepUp.accessToken
    expect((await service.send('{ roles { name } }', {}, { token })).errors).toEqual([])
    expect(codes(await service.send('{ roles { name } }', {}, as(ada)))).toEqual(['STEP_UP_REQUIRED'])
  })

  test('does not see fields of its own account that require a permission', async () => {
    const ada = await signUpWith(service, await strictRole(-1, 'users:read'))
    const reply = await service.send('{ me { id privateMetadata } }', {}, as(ada))
    expect(codes(reply)).toEqual(['STEP_UP_REQUIRED'])
  })

  test.each([
    ['a password and a code', ['totpAt']],
    ['a password and a recovery code', ['recoveryAt']],
    ['a passkey', ['passkeyAt']],
    ['a password and a security key', ['keyAt']],
  ] as const)('does not concern a session with %s', async (_, times) => {
    const ada = await signUpWith(service, await strictRole(-1))
    await prove(ada, ...times)
    expect((await service.send('{ roles { name } }', {}, as(ada))).errors).toEqual([])
  })

  test('stays too weak with an emailed code: a mailbox is no second factor', async () => {
    const ada = await signUpWith(service, await strictRole(-1))
    await prove(ada, 'emailAt')
    expect(codes(await service.send('{ roles { name } }', {}, as(ada)))).toEqual(['STEP_UP_REQUIRED'])
  })

  test('learns the required class and the ways to reach it, in the body and in a challenge', async () => {
    const ada = await signUpWith(service, await strictRole(-1))
    const without = await service.send('{ roles { name } }', {}, as(ada))
    expect(without.errors[0]?.extensions).toEqual({
      code: 'STEP_UP_REQUIRED',
      acr: 'mfa',
      maxAgeSeconds: null,
      accepts: [],
    })
    await addSomeTotp(service, ada.id)
    await addSomePasskey(service, ada.id)
    const reply = await service.send('{ roles { name } }', {}, as(ada))
    expect(reply.errors[0]?.extensions.accepts).toEqual([['PASSKEY'], ['PASSWORD', 'TOTP']])
    expect(reply.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", error_description="[^"]+", acr_values="mfa"$/,
    )
  })

  test('does not keep the others of its account or anyone else from working', async () => {
    const role = await strictRole(-1)
    const ada = await signUpWith(service, role)
    const bob = await signUp(service)
    expect((await service.send('{ roles { name } }', {}, as(bob))).errors).toEqual([])
    expect(codes(await service.send('{ roles { name } }', {}, as(ada)))).toEqual(['STEP_UP_REQUIRED'])
  })
})

test('the requirement of a role costs no further statement per request', async () => {
  const ada = await signUp(service)
  const strict = await signUpWith(service, await strictRole(-1))
  await prove(strict, 'passkeyAt')
  const countOf = async (who: SignedIn) => {
    let count = 0
    const stop = watchQueries(service.app, () => count++)
    await service.send('{ me { id } }', {}, as(who))
    stop()
    return count
  }
  expect(await countOf(strict)).toBe(1)
  expect(await countOf(ada)).toBe(1)
})
