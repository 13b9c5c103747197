import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { as, newUsername, PASSWORD, type SignedIn, signUp, signUpVerified } from '../support/actors.ts'
import { actionsOf, auditOf } from '../support/audit.ts'
import {
  type AuthenticatorApp,
  haveRecoveryCodes,
  haveTotp,
  secondStep,
  ticketOf,
} from '../support/factors.ts'
import { claimsOf } from '../support/forge.ts'
import { templatesTo } from '../support/mails.ts'
import { DeleteAccount, Me, Refresh, RequestEmailChange, StepUp } from '../support/operations.ts'
import { meet } from '../support/race.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'
import { addSomePasskey } from '../support/some-factors.ts'

const service = useService()

type Proof = { password?: string; totpCode?: string; recoveryCode?: string; emailCode?: string }
const stepUp = (who: Pick<SignedIn, 'accessToken'>, proofs: Proof[], on: Service = service) =>
  on.send(StepUp, { input: { proofs } }, as(who))

/** An account with an authenticator app, in a session that proved both factors and is then left open. */
async function leftOpen(seconds = 601): Promise<SignedIn & { app: AuthenticatorApp }> {
  const account = await signUpVerified(service)
  const app = await haveTotp(service, account.id)
  const ticket = await ticketOf(service, account.email)
  const { data } = await secondStep(service, ticket, { totpCode: app.code() })
  const payload = data?.completeLogin
  if (!payload?.refreshToken) throw new Error('not signed in')
  const session = {
    ...account,
    accessToken: payload.accessToken,
    refreshToken: payload.refreshToken,
    sessionId: payload.session.id,
  }
  service.clock.advance(seconds)
  return { ...session, ...(await refreshedTokens(session)), app }
}

async function refreshedTokens({ refreshToken }: Pick<SignedIn, 'refreshToken'>) {
  const { data } = await service.send(Refresh, { input: { refreshToken } })
  const tokens = data?.refreshToken
  if (!tokens?.refreshToken) throw new Error('not refreshed')
  return { accessToken: tokens.accessToken, refreshToken: tokens.refreshToken }
}

const sensitive = (who: Pick<SignedIn, 'accessToken'>) =>
  service.send(RequestEmailChange, { input: { newEmail: `new.${Math.random()}@example.com` } }, as(who))

describe('a sensitive operation of an account with a second factor', () => {
  test('works within 10 minutes of a full sign-in, and then requires a step-up, also right after the password', async () => {
    const ada = await leftOpen(500)
    expect((await sensitive(ada)).errors).toEqual([])
    service.clock.advance(101)
    const reply = await sensitive(ada)
    expect(reply.errors[0]?.extensions).toEqual({
      code: 'STEP_UP_REQUIRED',
      acr: 'mfa',
      maxAgeSeconds: 600,
      accepts: [['PASSWORD', 'TOTP']],
    })
    expect(reply.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", .*acr_values="mfa", max_age="600"$/,
    )
    await service.send(
      'mutation ($p: String!) { reauthenticate(input: { password: $p }) { id } }',
      { p: PASSWORD },
      as(ada),
    )
    expect(codes(await sensitive(ada))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await service.send(DeleteAccount, {}, as(ada)))).toEqual(['STEP_UP_REQUIRED'])
  })

  test('works with the tokens of a step-up, which name the strength and its time', async () => {
    const ada = await leftOpen()
    const { data, errors } = await stepUp(ada, [{ password: PASSWORD }, { totpCode: ada.app.code() }])
    expect(errors).toEqual([])
    const now = service.clock.now()
    expect(data?.stepUp).toMatchObject({
      user: { id: ada.id, email: ada.email },
      session: { id: ada.sessionId, strength: 'MULTI', methods: ['PASSWORD', 'TOTP'] },
    })
    const token = data?.stepUp.accessToken ?? ''
    expect(claimsOf(token)).toMatchObject({ sid: ada.sessionId, acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] })
    expect(Math.abs(Number(claimsOf(token).auth_time) - now.getTime() / 1000)).toBeLessThan(2)
    expect((await sensitive({ accessToken: token })).errors).toEqual([])
    expect(await actionsOf(service, ada.id)).toContain('session.stepped_up')
  })

  test('stays refused for an access token from before the step-up, which otherwise still works', async () => {
    const ada = await leftOpen()
    await stepUp(ada, [{ password: PASSWORD }, { totpCode: ada.app.code() }])
    expect(codes(await sensitive(ada))).toEqual(['STEP_UP_REQUIRED'])
    const rename = 'mutation ($name: String!) { updateProfile(input: { username: $name }) { id } }'
    const renamed = await service.send(rename, { name: newUsername() }, as(ada))
    expect(codes(renamed)).toEqual(['STEP_UP_REQUIRED'])
    expect((await service.send(Me, {}, as(ada))).errors).toEqual([])
  })

  test('works with refreshed tokens of the step-up for its 10 minutes, and not longer', async () => {
    const ada = await leftOpen()
    const { data } = await stepUp(ada, [{ password: PASSWORD }, { totpCode: ada.app.code() }])
    const next = await refreshedTokens({ refreshToken: data?.stepUp.refreshToken ?? '' })
    expect((await sensitive(next)).errors).toEqual([])
    service.clock.advance(601)
    expect(codes(await sensitive(await refreshedTokens(next)))).toEqual(['STEP_UP_REQUIRED'])
  })

  test('requires no more than what is missing: the code, if the password was entered recently', async () => {
    const ada = await leftOpen()
    await service.send(
      'mutation ($p: String!) { reauthenticate(input: { password: $p }) { id } }',
      { p: PASSWORD },
      as(ada),
    )
    const { data, errors } = await stepUp(ada, [{ totpCode: ada.app.code() }])
    expect(errors).toEqual([])
    expect((await sensitive({ accessToken: data?.stepUp.accessToken ?? '' })).errors).toEqual([])
  })

  test('is another username, but no other change of the profile', async () => {
    const ada = await leftOpen()
    const update = (input: object) =>
      service.send(
        'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }',
        { input },
        as(ada),
      )
    expect(codes(await update({ username: newUsername() }))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await update({ username: null, displayName: 'Ada', locale: 'ko' }))).toEqual([])
  })

  test('requires a passkey of an account that has one and a session that started with the password', async () => {
    const ada = await signUp(service)
    await addSomePasskey(service, ada.id)
    const reply = await sensitive(ada)
    expect(reply.errors[0]?.extensions).toMatchObject({ code: 'STEP_UP_REQUIRED', accepts: [['PASSKEY']] })
  })
})

describe('an account with a password alone', () => {
  test('gets REAUTHENTICATION_REQUIRED as before, for which both reauthenticate and stepUp do', async () => {
    const ada = await signUpVerified(service)
    service.clock.advance(601)
    const tokens = await refreshedTokens(ada)
    expect(codes(await sensitive(tokens))).toEqual(['REAUTHENTICATION_REQUIRED'])
    const { data, errors } = await stepUp(tokens, [{ password: PASSWORD }])
    expect(errors).toEqual([])
    expect(data?.stepUp.session).toMatchObject({ strength: 'SINGLE', methods: ['PASSWORD'] })
    expect((await sensitive({ accessToken: data?.stepUp.accessToken ?? '' })).errors).toEqual([])
    expect(codes(await sensitive(tokens))).toEqual(['REAUTHENTICATION_REQUIRED'])
  })
})

describe('stepUp refuses', () => {
  test('proofs that do not amount to a full sign-in, and gives no tokens for them', async () => {
    const ada = await leftOpen()
    const before = await generationOf(ada)
    for (const proofs of [[{ password: PASSWORD }], [{ totpCode: ada.app.code() }]]) {
      const reply = await stepUp(ada, proofs)
      expect(reply.errors[0]?.extensions).toMatchObject({ code: 'STEP_UP_REQUIRED', acr: 'mfa' })
      expect(reply.data).toBeNull()
    }
    expect(await generationOf(ada)).toBe(before)
    expect((await stepUp(ada, [{ password: PASSWORD }, { totpCode: ada.app.code() }])).errors).toEqual([])
  })

  test('a wrong password, a wrong code and a used code, and changes nothing', async () => {
    const ada = await leftOpen()
    const before = await generationOf(ada)
    const good = ada.app.code()
    expect(codes(await stepUp(ada, [{ password: 'wrong' }, { totpCode: good }]))).toEqual([
      'INVALID_CREDENTIALS',
    ])
    expect(codes(await stepUp(ada, [{ password: PASSWORD }, { totpCode: '000000' }]))).toEqual([
      'CODE_INVALID',
    ])
    expect(codes(await stepUp(ada, [{ password: PASSWORD }, { recoveryCode: 'none' }]))).toEqual([
      'CODE_INVALID',
    ])
    expect(await generationOf(ada)).toBe(before)
    const { data } = await stepUp(ada, [{ password: PASSWORD }, { totpCode: good }])
    const next = { accessToken: data?.stepUp.accessToken ?? '' }
    expect(codes(await stepUp(next, [{ password: PASSWORD }, { totpCode: good }]))).toEqual(['CODE_INVALID'])
  })

  test('no proof, too many, two of a kind and an empty one', async () => {
    const ada = await leftOpen()
    const fields = async (proofs: Proof[]) => Object.keys(refusedFields(await stepUp(ada, proofs)))
    expect(await fields([])).toEqual(['input.proofs'])
    expect(await fields([{ password: PASSWORD }, { password: PASSWORD }])).toEqual(['input.proofs'])
    expect(await fields(Array.from({ length: 4 }, () => ({ totpCode: '1' })))).toEqual(['input.proofs'])
    expect(await fields([{}])).toEqual(['input.proofs.0'])
    expect(await fields([{ password: PASSWORD, totpCode: '1' }])).toEqual(['input.proofs.0'])
  })

  test('unauthenticated callers', async () => {
    expect(codes(await service.send(StepUp, { input: { proofs: [{ password: PASSWORD }] } }))).toEqual([
      'UNAUTHENTICATED',
    ])
  })

  test('an access token that was refreshed since, without using up the code', async () => {
    const ada = await leftOpen()
    const next = await refreshedTokens(ada)
    const proofs = [{ password: PASSWORD }, { totpCode: ada.app.code() }]
    expect(codes(await stepUp(ada, proofs))).toEqual(['CONFLICT'])
    expect((await stepUp(next, proofs)).errors).toEqual([])
  })

  test('the 11th wrong code, counted together with those of sign-ins, and notifies the owner of the third', async () => {
    const ada = await leftOpen()
    for (let tries = 0; tries < 5; tries++)
      expect(codes(await stepUp(ada, [{ password: PASSWORD }, { totpCode: '000000' }]))).toEqual([
        'CODE_INVALID',
      ])
    expect(
      (await templatesTo(service, ada.email)).filter(template => template === 'wrong-codes'),
    ).toHaveLength(1)
    for (let tries = 0; tries < 5; tries++)
      expect(
        codes(await secondStep(service, await ticketOf(service, ada.email), { totpCode: '000000' })),
      ).toEqual(['CODE_INVALID'])
    expect(codes(await stepUp(ada, [{ password: PASSWORD }, { totpCode: ada.app.code() }]))).toEqual([
      'RATE_LIMITED',
    ])
    service.clock.advance(900)
    const later = await refreshedTokens(ada)
    expect((await stepUp(later, [{ password: PASSWORD }, { totpCode: ada.app.code() }])).errors).toEqual([])
  })
})

test('a recovery code steps up once, and the owner learns how many are left', async () => {
  const ada = await leftOpen()
  const [code = ''] = await haveRecoveryCodes(service, ada.id)
  const { data, errors } = await stepUp(ada, [{ password: PASSWORD }, { recoveryCode: code }])
  expect(errors).toEqual([])
  expect(data?.stepUp.session.methods).toContain('RECOVERY_CODE')
  expect((await templatesTo(service, ada.email)).at(-1)).toBe('recovery-code-used')
  const next = { accessToken: data?.stepUp.accessToken ?? '' }
  expect(codes(await stepUp(next, [{ password: PASSWORD }, { recoveryCode: code }]))).toEqual([
    'CODE_INVALID',
  ])
  const event = (await auditOf(service, ada.id)).find(({ action }) => action === 'session.stepped_up')
  expect(event).toMatchObject({
    actorId: ada.id,
    detail: { sessionId: ada.sessionId, methods: ['PASSWORD', 'RECOVERY_CODE'] },
  })
})

test('with cookies, the new refresh token is in the cookie and not in the body', async () => {
  const ada = await leftOpen()
  const proofs = [{ password: PASSWORD }, { totpCode: ada.app.code() }]
  const { data, headers } = await service.send(
    StepUp,
    { input: { proofs, tokenTransport: 'COOKIE' } },
    as(ada),
  )
  expect(data?.stepUp.refreshToken).toBeNull()
  expect(headers.getSetCookie().join()).toMatch(/refresh/)
})

describe('races', () => {
  let replica: Service
  beforeAll(async () => {
    replica = await startService({ databaseUrl: service.app.config.database.url!, clock: service.clock })
  })
  afterAll(() => replica.close())

  test('of eight step-ups with one code over two replicas, one succeeds, and the session stays with its tokens', async () => {
    const ada = await leftOpen()
    const proofs = [{ password: PASSWORD }, { totpCode: ada.app.code() }]
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, index) => stepUp(ada, proofs, index % 2 ? replica : service)),
    )
    const winners = replies.filter(({ errors }) => errors.length === 0)
    expect(winners).toHaveLength(1)
    // The others come too late for the generation or for the code.
    for (const code of replies.flatMap(codes)) expect(['CONFLICT', 'CODE_INVALID']).toContain(code)
    const refreshToken = winners[0]?.data?.stepUp.refreshToken ?? ''
    expect((await service.send(Refresh, { input: { refreshToken } })).errors).toEqual([])
  })

  test('of one code in two sessions, one steps up', async () => {
    const ada = await leftOpen()
    const ticket = await ticketOf(service, ada.email)
    const { data } = await secondStep(service, ticket, { totpCode: ada.app.code() })
    const other = { accessToken: data?.completeLogin.accessToken ?? '' }
    service.clock.advance(60)
    const proofs = [{ password: PASSWORD }, { totpCode: ada.app.code() }]
    const replies = await Promise.all([stepUp(ada, proofs), stepUp(other, proofs, replica)])
    expect(replies.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
    expect(replies.flatMap(codes)).toEqual(['CODE_INVALID'])
  })

  test('a refresh before a step-up makes it repeat; after one, it gets nothing, and later what the client has by then', async () => {
    const ada = await leftOpen()
    const proofs = [{ password: PASSWORD }, { totpCode: ada.app.code() }]
    const row = { table: 'sessions', id: ada.sessionId } as const
    const [refreshReply, stepUpReply] = await meet(
      service,
      row,
      () => service.send(Refresh, { input: { refreshToken: ada.refreshToken } }),
      () => stepUp(ada, proofs),
    )
    expect(refreshReply.errors).toEqual([])
    expect(codes(stepUpReply)).toEqual(['CONFLICT'])
    const tokens = refreshReply.data?.refreshToken
    const next = { accessToken: tokens?.accessToken ?? '', refreshToken: tokens?.refreshToken ?? '' }
    // Later, the first use of the new access token would wait for the row as well.
    await service.send(Me, {}, as(next))
    const [second, raced] = await meet(
      service,
      row,
      () => stepUp(next, proofs),
      () => service.send(Refresh, { input: { refreshToken: next.refreshToken } }),
    )
    expect(second.errors).toEqual([])
    expect(raced.errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', retryAfter: expect.any(Number) })
    const again = await service.send(Refresh, { input: { refreshToken: second.data?.stepUp.refreshToken } })
    expect(again.errors).toEqual([])
    expect((await service.send(Me, {}, { token: second.data?.stepUp.accessToken })).errors).toEqual([])
  })

  test('a change of the credentials during a step-up leaves it without effect', async () => {
    const ada = await leftOpen()
    const proofs = [{ password: PASSWORD }, { totpCode: ada.app.code() }]
    const [, reply] = await meet(
      service,
      { table: 'users', id: ada.id },
      async () =>
        await service.app.db.user.update({
          where: { id: ada.id },
          data: { credentialVersion: { increment: 1 } },
        }),
      () => stepUp(ada, proofs),
    )
    expect(codes(reply)).toEqual(['CONFLICT'])
    expect((await stepUp(ada, proofs)).errors).toEqual([])
  })
})

describe('someone who holds a copy of the refresh token from before a step-up', () => {
  const refresh = (refreshToken: string) => service.send(Refresh, { input: { refreshToken } })
  const proofsOf = (ada: Awaited<ReturnType<typeof leftOpen>>) => [
    { password: PASSWORD },
    { totpCode: ada.app.code() },
  ]

  test('gets no tokens while the owner’s may be on their way, and ends the session after the owner used them', async () => {
    const ada = await leftOpen()
    const { data } = await stepUp(ada, proofsOf(ada))
    expect(codes(await refresh(ada.refreshToken))).toEqual(['CONFLICT'])
    expect((await sensitive({ accessToken: data?.stepUp.accessToken ?? '' })).errors).toEqual([])
    service.clock.advance(20)
    expect(codes(await refresh(ada.refreshToken))).toEqual(['CONFLICT'])
    service.clock.advance(11)
    expect(codes(await refresh(ada.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await actionsOf(service, ada.id)).toContain('session.reuse_detected')
  })

  test('never gets what the owner proved, and is found when the owner returns', async () => {
    const ada = await leftOpen()
    const { data } = await stepUp(ada, proofsOf(ada))
    service.clock.advance(11)
    const reply = await refresh(ada.refreshToken)
    expect(reply.errors).toEqual([])
    const stolen = { accessToken: reply.data?.refreshToken.accessToken ?? '' }
    expect(codes(await sensitive(stolen))).toEqual(['STEP_UP_REQUIRED'])
    const later = await refreshedTokens({ refreshToken: reply.data?.refreshToken.refreshToken ?? '' })
    expect(codes(await sensitive(later))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await sensitive({ accessToken: data?.stepUp.accessToken ?? '' }))).toEqual([
      'UNAUTHENTICATED',
    ])
    expect(codes(await sensitive(later))).toEqual(['UNAUTHENTICATED'])
  })

  test('is, as far as anyone can tell, a client that lost the answer: it stays signed in and steps up again', async () => {
    const ada = await signUpVerified(service)
    const app = await haveTotp(service, ada.id)
    const started = claimsOf(ada.accessToken)
    expect(started.acr).toBe('1fa')
    expect((await stepUp(ada, [{ password: PASSWORD }, { totpCode: app.code() }])).errors).toEqual([])
    service.clock.advance(11)
    const again = await refreshedTokens(ada)
    expect(claimsOf(again.accessToken)).toMatchObject({
      acr: '1fa',
      amr: ['pwd'],
      auth_time: started.auth_time,
    })
    // A repeat of this answer within seconds gets the same tokens.
    expect((await refreshedTokens(ada)).refreshToken).toBe(again.refreshToken)
    const proofs = [{ password: PASSWORD }, { totpCode: app.code(1) }]
    const { data, errors } = await stepUp(again, proofs)
    expect(errors).toEqual([])
    expect(data?.stepUp.session).toMatchObject({ id: ada.sessionId, strength: 'MULTI' })
    expect((await sensitive({ accessToken: data?.stepUp.accessToken ?? '' })).errors).toEqual([])
  })
})

async function generationOf({ sessionId }: SignedIn): Promise<number | undefined> {
  return (await service.app.db.session.findUnique({ where: { id: sessionId } }))?.generation
}
