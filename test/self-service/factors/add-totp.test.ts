import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { as, login, type SignedIn, signIn, signUp, signUpVerified } from '../../support/actors.ts'
import { actionsOf, auditOf } from '../../support/audit.ts'
import {
  AuthenticatorApp,
  addTotp,
  emailedCode,
  firstStep,
  haveTotp,
  mailedCode,
  secondStep,
  ticketOf,
} from '../../support/factors.ts'
import { claimsOf } from '../../support/forge.ts'
import { templatesTo } from '../../support/mails.ts'
import {
  BeginTotp,
  ConfirmTotp,
  DeleteAccount,
  FactorsOf,
  Reauthenticate,
  SendEmailCode,
  StepUp,
} from '../../support/operations.ts'
import { codes, type Service, startService, useService } from '../../support/service.ts'
import { MINUTE, refreshed, stateOf } from '../../support/sessions.ts'

const service = useService()

/** An account with a verified address, in a session that began with a sign-in. */
async function signedInAgain(on: Service = service): Promise<SignedIn> {
  const { email } = await signUpVerified(on)
  return signIn(on, email)
}

const begin = (account: SignedIn, emailCode?: string, on: Service = service) =>
  on.send(BeginTotp, { input: { emailCode } }, as(account))
const confirm = (ticket: string, code: string, account?: SignedIn, on: Service = service) =>
  on.send(ConfirmTotp, { input: { ticket, code } }, account && as(account))

async function begun(account: SignedIn) {
  const { data, errors } = await begin(account, await emailedCode(service, account))
  if (!data) throw new Error(JSON.stringify(errors))
  return { ...data.beginTotp, app: new AuthenticatorApp(service, data.beginTotp.secret) }
}

describe('adding an authenticator app', () => {
  test('takes a code that is emailed and one of the app, and every sign-in requires it from then on', async () => {
    const account = await signedInAgain()
    const { ticket, secret, uri, qrCode, app } = await begun(account)
    expect(Object.fromEntries(new URL(uri).searchParams)).toMatchObject({ secret, issuer: 'Authograph' })
    expect(uri).toContain(encodeURIComponent(account.email))
    expect(qrCode).toMatch(/^<svg[^>]+>.+<\/svg>$/s)
    expect((await firstStep(service, account.email)).data?.login.__typename).toBe('AuthPayload')

    const { data, errors } = await confirm(ticket, app.code(), account)
    expect(errors).toEqual([])
    expect(data?.confirmTotp).toMatchObject({
      auth: { user: { id: account.id }, session: { id: account.sessionId, strength: 'MULTI' } },
    })
    expect(data?.confirmTotp.recoveryCodes).toHaveLength(10)
    expect(claimsOf(data?.confirmTotp.auth.accessToken ?? '')).toMatchObject({ acr: 'mfa' })
    const later = await refreshed(service, data?.confirmTotp.auth.refreshToken ?? '')
    expect(claimsOf(later.accessToken)).toMatchObject({ acr: 'mfa' })
    const next = await firstStep(service, account.email)
    expect(next.data?.login).toMatchObject({
      __typename: 'SecondFactorRequired',
      methods: ['TOTP', 'RECOVERY_CODE'],
    })
    expect(await templatesTo(service, account.email)).toContain('factor-added')
    const added = (await auditOf(service, account.id)).find(({ action }) => action === 'factor.added')
    expect(added?.detail).toEqual({ method: 'TOTP', recoveryCodes: true })
  })

  test('gives ten recovery codes, each of which signs in once', async () => {
    const { email, recoveryCodes } = await addTotp(service, await signedInAgain())
    expect(new Set(recoveryCodes).size).toBe(10)
    for (const recoveryCode of recoveryCodes.slice(0, 2)) {
      expect(codes(await secondStep(service, await ticketOf(service, email), { recoveryCode }))).toEqual([])
      const again = await secondStep(service, await ticketOf(service, email), { recoveryCode })
      expect(codes(again)).toEqual(['CODE_INVALID'])
    }
  })

  test('uses up the code that confirms it', async () => {
    const account = await signedInAgain()
    const { ticket, app } = await begun(account)
    const code = app.code()
    expect(codes(await confirm(ticket, code, account))).toEqual([])
    const login = await ticketOf(service, account.email)
    expect(codes(await secondStep(service, login, { totpCode: code }))).toEqual(['CODE_INVALID'])
    expect(codes(await secondStep(service, login, { totpCode: app.code(1) }))).toEqual([])
  })

  test('ends the sessions without a second factor, and no other', async () => {
    const account = await signedInAgain()
    const other = await signIn(service, account.email)
    const strong = await signIn(service, account.email)
    const proved = { passkeyAt: service.clock.now() }
    await service.app.db.session.update({ where: { id: strong.sessionId }, data: proved })
    const added = await addTotp(service, account)
    expect(await stateOf(service, other.accessToken)).toBe('REVOKED')
    expect(await stateOf(service, strong.accessToken)).toBe('LIVE')
    expect(await stateOf(service, added.accessToken)).toBe('LIVE')
    const ended = (await auditOf(service, account.id)).filter(({ action }) => action === 'session.revoked')
    // The session that registered is the second one.
    expect(ended.map(({ detail }) => detail)).toEqual([{ because: 'second factor added', count: 2 }])
  })

  test('is undone by nothing less than all of it: a wrong code changes nothing', async () => {
    const account = await signedInAgain()
    const { ticket, app } = await begun(account)
    expect(codes(await confirm(ticket, app.code(9), account))).toEqual(['CODE_INVALID'])
    const { data } = await service.send(FactorsOf, { id: account.id }, as(account))
    expect(data?.user).toMatchObject({ hasTotp: false, secondFactorRequired: false, recoveryCodesLeft: 0 })
    expect(codes(await confirm(ticket, app.code(), account))).toEqual([])
  })

  test('takes one of 20 parallel confirmations, with one set of recovery codes', async () => {
    const account = await signedInAgain()
    const { ticket, app } = await begun(account)
    const replies = await Promise.all(Array.from({ length: 20 }, () => confirm(ticket, app.code(), account)))
    const added = replies.flatMap(({ data }) => data?.confirmTotp ?? [])
    expect(added).toHaveLength(1)
    expect(await service.app.db.recoveryCode.count({ where: { userId: account.id } })).toBe(10)
    const [recoveryCode = ''] = added[0]?.recoveryCodes ?? []
    // The confirmations that came too late count as wrong codes.
    service.clock.advance(16 * MINUTE)
    const login = await ticketOf(service, account.email)
    expect(codes(await secondStep(service, login, { recoveryCode }))).toEqual([])
  })

  test('is completed only in the session that began it, within 10 minutes', async () => {
    const account = await signedInAgain()
    const other = await signIn(service, account.email)
    const { ticket, app } = await begun(account)
    expect(codes(await confirm(ticket, app.code()))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await confirm(ticket, app.code(), other))).toEqual(['TICKET_INVALID'])
    expect(codes(await confirm(ticket, app.code(), await signedInAgain()))).toEqual(['TICKET_INVALID'])
    service.clock.advance(10 * MINUTE)
    const late = { ...account, ...(await refreshed(service, account.refreshToken)) }
    expect(codes(await confirm(ticket, app.code(), late))).toEqual(['TICKET_INVALID'])
  })

  test('waits for the newest tokens: after a refresh, the earlier access token adds nothing', async () => {
    const account = await signedInAgain()
    const { ticket, app } = await begun(account)
    const newest = { ...account, ...(await refreshed(service, account.refreshToken)) }
    expect(codes(await confirm(ticket, app.code(), account))).toEqual(['CONFLICT'])
    expect(await service.app.db.totp.count({ where: { userId: account.id } })).toBe(0)
    expect(codes(await confirm(ticket, app.code(), newest))).toEqual([])
  })

  test('again replaces the app, takes a second factor, and gives no further recovery codes', async () => {
    const first = await addTotp(service, await signedInAgain())
    service.clock.advance(11 * MINUTE)
    const account = { ...first, ...(await refreshed(service, first.refreshToken)) }
    expect(codes(await begin(account))).toEqual(['STEP_UP_REQUIRED'])
    const { data } = await secondStep(service, await ticketOf(service, account.email), {
      totpCode: account.app.code(),
    })
    const fresh = { ...account, accessToken: data?.completeLogin.accessToken ?? '' }
    const again = await begin(fresh)
    const { ticket = '', secret = '' } = again.data?.beginTotp ?? {}
    const replacement = new AuthenticatorApp(service, secret)
    const added = await confirm(ticket, replacement.code(), fresh)
    expect(added.data?.confirmTotp.recoveryCodes).toBeNull()
    service.clock.advance(60)
    const old = await secondStep(service, await ticketOf(service, account.email), {
      totpCode: account.app.code(),
    })
    expect(codes(old)).toEqual(['CODE_INVALID'])
  })
})

test('wrong codes at the set-up are counted together with those of sign-ins, and the right one ends the count', async () => {
  const account = await signedInAgain()
  const { ticket, app } = await begun(account)
  const wrong = app.code() === '000000' ? '111111' : '000000'
  for (let tries = 0; tries < 9; tries++)
    expect(codes(await confirm(ticket, wrong, account))).toEqual(['CODE_INVALID'])
  const added = await confirm(ticket, app.code(), account)
  expect(added.errors).toEqual([])
  const token = added.data?.confirmTotp.auth.accessToken ?? ''
  const again = await service.send(BeginTotp, {}, { token })
  const other = again.data?.beginTotp.ticket ?? ''
  for (let tries = 0; tries < 10; tries++)
    expect(
      codes(await service.send(ConfirmTotp, { input: { ticket: other, code: wrong } }, { token })),
    ).toEqual(['CODE_INVALID'])
  const right = new AuthenticatorApp(service, again.data?.beginTotp.secret ?? '').code()
  expect(
    codes(await service.send(ConfirmTotp, { input: { ticket: other, code: right } }, { token })),
  ).toEqual(['RATE_LIMITED'])
})

describe('a thief of the password', () => {
  test('adds no authenticator app without the mailbox', async () => {
    const { email } = await signUpVerified(service)
    const thief = await signIn(service, email)
    const refused = await begin(thief)
    expect(codes(refused)).toEqual(['STEP_UP_REQUIRED'])
    expect(refused.errors[0]?.extensions).toMatchObject({ acr: '1fa', accepts: [['EMAIL']] })
    expect(codes(await begin(thief, '123456'))).toEqual(['CODE_INVALID'])
  })

  test('has five tries at a code, and cannot use one that was sent for another session', async () => {
    const { email } = await signUpVerified(service)
    const [thief, owner] = [await signIn(service, email), await signIn(service, email)]
    const ofOwner = await emailedCode(service, owner)
    expect(codes(await begin(thief, ofOwner))).toEqual(['CODE_INVALID'])
    const code = await emailedCode(service, thief)
    const wrong = code === '000000' ? '111111' : '000000'
    for (const _ of [1, 2, 3, 4, 5]) expect(codes(await begin(thief, wrong))).toEqual(['CODE_INVALID'])
    expect(codes(await begin(thief, code))).toEqual(['CODE_INVALID'])
  })

  test('cannot use a code twice, or after 10 minutes', async () => {
    const account = await signedInAgain()
    const code = await emailedCode(service, account)
    expect(codes(await begin(account, code))).toEqual([])
    expect(codes(await begin(account, code))).toEqual(['CODE_INVALID'])
    const late = await emailedCode(service, account)
    service.clock.advance(10 * MINUTE)
    await service.send(Reauthenticate, { input: { password: 'seventeen brass engines' } }, as(account))
    expect(codes(await begin(account, late))).toEqual(['CODE_INVALID'])
  })
})

describe('a person who adds the first factor', () => {
  test('must have entered the password in the last 10 minutes', async () => {
    const account = await signedInAgain()
    service.clock.advance(11 * MINUTE)
    const later = { ...account, ...(await refreshed(service, account.refreshToken)) }
    expect(codes(await begin(later))).toEqual(['REAUTHENTICATION_REQUIRED'])
  })

  test('may prove password and mailbox with stepUp first', async () => {
    const account = await signedInAgain()
    service.clock.advance(11 * MINUTE)
    const later = { ...account, ...(await refreshed(service, account.refreshToken)) }
    const emailCode = await emailedCode(service, later)
    const proofs = [{ password: 'seventeen brass engines' }, { emailCode }]
    const { data, errors } = await service.send(StepUp, { input: { proofs } }, as(later))
    expect(errors).toEqual([])
    expect(data?.stepUp.session).toMatchObject({ strength: 'SINGLE', methods: ['PASSWORD', 'EMAIL'] })
    const proved = { ...later, accessToken: data?.stepUp.accessToken ?? '' }
    expect(codes(await begin(proved))).toEqual([])
    expect(codes(await begin(later))).toEqual(['REAUTHENTICATION_REQUIRED'])
  })

  test('needs no emailed code in the first 10 minutes of the session that registered', async () => {
    const account = await signUp(service)
    expect(codes(await begin(await signIn(service, account.email)))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await begin(account))).toEqual([])
    service.clock.advance(11 * MINUTE)
    const later = { ...account, ...(await refreshed(service, account.refreshToken)) }
    await service.send(Reauthenticate, { input: { password: 'seventeen brass engines' } }, as(later))
    expect(codes(await begin(later))).toEqual(['STEP_UP_REQUIRED'])
  })

  test.each([[{ emailCode: 7 }], [{ ticket: 7 }]])('%j is rejected', async input => {
    const account = await signedInAgain()
    expect(codes(await service.send(BeginTotp, { input } as never, as(account)))).toEqual(['BAD_USER_INPUT'])
  })

  test('must be signed in or have a ticket', async () => {
    for (const document of [BeginTotp, SendEmailCode])
      expect(codes(await service.send(document, {}))).toEqual(['UNAUTHENTICATED'])
    for (const document of [BeginTotp, SendEmailCode])
      expect(codes(await service.send(document, { input: { ticket: 'made up' } }))).toEqual([
        'TICKET_INVALID',
      ])
  })

  test('can request five emails an hour', async () => {
    const account = await signedInAgain()
    for (const _ of [1, 2, 3, 4, 5])
      expect(codes(await service.send(SendEmailCode, {}, as(account)))).toEqual([])
    expect(codes(await service.send(SendEmailCode, {}, as(account)))).toEqual(['RATE_LIMITED'])
  })
})

describe('a sign-in that demands a second factor of an account without one', () => {
  async function demanded() {
    const account = await signUpVerified(service)
    await service.app.db.user.update({ where: { id: account.id }, data: { enrollmentRequired: true } })
    const { data } = await firstStep(service, account.email, { rememberMe: false, deviceName: 'Laptop' })
    if (data?.login.__typename !== 'SecondFactorSetupRequired') throw new Error(JSON.stringify(data))
    expect(data.login.methods).toContain('TOTP')
    return { ...account, ticket: data.login.ticket }
  }

  test('continues with the emailed code and a new authenticator app, and is signed in at MULTI', async () => {
    const { id, email, ticket } = await demanded()
    expect(codes(await service.send(BeginTotp, { input: { ticket } }))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await service.send(SendEmailCode, { input: { ticket } }))).toEqual([])
    const input = { ticket, emailCode: await mailedCode(service, email) }
    const setup = (await service.send(BeginTotp, { input })).data?.beginTotp
    const app = new AuthenticatorApp(service, setup?.secret ?? '')
    const { data, errors } = await confirm(setup?.ticket ?? '', app.code())
    expect(errors).toEqual([])
    const { auth, recoveryCodes } = data?.confirmTotp ?? {}
    expect(auth).toMatchObject({
      user: { id },
      session: { strength: 'MULTI', methods: ['PASSWORD', 'EMAIL', 'TOTP'] },
    })
    expect(recoveryCodes).toHaveLength(10)
    const row = await service.app.db.session.findUniqueOrThrow({ where: { id: auth?.session.id ?? '' } })
    expect(row).toMatchObject({ deviceName: 'Laptop', remembered: false })
    expect(codes(await confirm(setup?.ticket ?? '', app.code(1)))).toEqual(['TICKET_INVALID'])
    expect(codes(await service.send(BeginTotp, { input: { ticket } }))).toEqual(['TICKET_INVALID'])
    const next = await firstStep(service, email)
    expect(next.data?.login.__typename).toBe('SecondFactorRequired')
    expect(await actionsOf(service, id)).toContain('factor.added')
  })

  test('continues with completeLogin and the emailed code, in a session that can only add a factor', async () => {
    const { id, email, ticket } = await demanded()
    expect(codes(await secondStep(service, ticket, { emailCode: '123456' }))).toEqual(['CODE_INVALID'])
    await service.send(SendEmailCode, { input: { ticket } })
    const emailCode = await mailedCode(service, email)
    const { data, errors } = await secondStep(service, ticket, { emailCode })
    expect(errors).toEqual([])
    const { session, accessToken = '', refreshToken } = data?.completeLogin ?? {}
    expect(session).toMatchObject({ strength: 'SINGLE', methods: ['PASSWORD', 'EMAIL'] })
    expect(codes(await secondStep(service, ticket, { emailCode }))).toEqual(['CODE_INVALID'])
    const weak = { id, email, accessToken, refreshToken: refreshToken ?? '', sessionId: session?.id ?? '' }
    expect(codes(await service.send(DeleteAccount, {}, as(weak)))).toEqual(['STEP_UP_REQUIRED'])
    const setup = (await begin(weak)).data?.beginTotp
    const app = new AuthenticatorApp(service, setup?.secret ?? '')
    const added = await confirm(setup?.ticket ?? '', app.code(), weak)
    expect(added.data?.confirmTotp.auth.session).toMatchObject({ id: session?.id, strength: 'MULTI' })
    const strong = { ...weak, accessToken: added.data?.confirmTotp.auth.accessToken ?? '' }
    expect(codes(await service.send(DeleteAccount, {}, as(strong)))).toEqual([])
  })

  test('starts one session if the set-up is confirmed 20 times in parallel', async () => {
    const { id, email, ticket } = await demanded()
    await service.send(SendEmailCode, { input: { ticket } })
    const input = { ticket, emailCode: await mailedCode(service, email) }
    const setup = (await service.send(BeginTotp, { input })).data?.beginTotp
    const app = new AuthenticatorApp(service, setup?.secret ?? '')
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => confirm(setup?.ticket ?? '', app.code())),
    )
    expect(replies.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
    const live = { userId: id, revokedAt: null, totpAt: { not: null } }
    expect(await service.app.db.session.count({ where: live })).toBe(1)
    expect(await service.app.db.recoveryCode.count({ where: { userId: id } })).toBe(10)
  })
})

describe('a server that sends no email', () => {
  let quiet: Service
  beforeAll(async () => {
    quiet = await startService({ settings: { MAIL: 'off' } })
  })
  afterAll(() => quiet.close())

  test('takes the first factor without an emailed code', async () => {
    const { email } = await signUp(quiet)
    const account = await signIn(quiet, email)
    expect(codes(await quiet.send(SendEmailCode, {}, as(account)))).toEqual(['CONFLICT'])
    expect(codes(await begin(account, undefined, quiet))).toEqual([])
  })
})

test('a server with TOTP=off adds no authenticator app, and accounts that have one use it', async () => {
  const none = await startService({ settings: { TOTP: 'off' } })
  try {
    const account = await signUp(none)
    expect(codes(await begin(account, undefined, none))).toEqual(['CONFLICT'])
    const app = await haveTotp(none, account.id)
    const ticket = await ticketOf(none, account.email)
    expect(codes(await secondStep(none, ticket, { totpCode: app.code() }))).toEqual([])
  } finally {
    await none.close()
  }
})

test('deleting the account deletes its factors', async () => {
  const account = await addTotp(service, await signedInAgain())
  await service.send(SendEmailCode, {}, as(account))
  expect(codes(await service.send(DeleteAccount, {}, as(account)))).toEqual([])
  const { db } = service.app
  const where = { userId: account.id }
  expect(await Promise.all([db.totp.count({ where }), db.recoveryCode.count({ where })])).toEqual([0, 0])
  expect(await db.emailCode.count({ where })).toBe(0)
})

test('a password alone signs in as before where nothing is demanded', async () => {
  const { email } = await signUp(service)
  const { data } = await login(service, { identifier: email })
  expect(data?.login).toMatchObject({ __typename: 'AuthPayload', refreshToken: expect.any(String) })
})
