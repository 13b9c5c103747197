import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { PASSWORD, signIn, signUp, signUpAdmin, signUpVerified } from '../support/actors.ts'
import { actionsOf, auditOf } from '../support/audit.ts'
import { firstStep, haveRecoveryCodes, haveTotp, secondStep, ticketOf } from '../support/factors.ts'
import { claimsOf } from '../support/forge.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import {
  ChangePassword,
  ConfirmEmailChange,
  DisableUser,
  EnableUser,
  Me,
  RequestEmailChange,
  RequestPasswordReset,
  ResetPassword,
  SetUserRoles,
} from '../support/operations.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'
import { DAY, MINUTE, refreshed } from '../support/sessions.ts'

// Codes are hashed on a busy machine too.
const HASH_WAIT_MS = '30000'
const service = useService({ settings: { HASH_WAIT_MS } })

/** An account with an authenticator app. */
async function signUpWithTotp(on: Service = service) {
  const account = await signUpVerified(on)
  return { ...account, app: await haveTotp(on, account.id) }
}

describe('a password of an account with an authenticator app', () => {
  test('starts no session and gets a ticket that is no access token, and no cookie', async () => {
    const { id, email } = await signUpWithTotp()
    const before = await service.app.db.session.count({ where: { userId: id } })
    const { data, headers, errors } = await firstStep(service, email, { tokenTransport: 'COOKIE' })
    expect(errors).toEqual([])
    if (data?.login.__typename !== 'SecondFactorRequired') throw new Error(JSON.stringify(data))
    const { ticket, methods, expiresAt } = data.login
    expect(methods).toEqual(['TOTP'])
    expect(Date.parse(expiresAt) - service.clock.now().getTime()).toBeLessThanOrEqual(10 * MINUTE * 1000)
    expect(headers.getSetCookie()).toEqual([])
    expect(codes(await service.send(Me, {}, { token: ticket }))).toEqual(['UNAUTHENTICATED'])
    expect(await service.app.db.session.count({ where: { userId: id } })).toBe(before)
    expect(await service.app.db.spentTicket.count()).toBe(0)
  })

  test('and a code start a session at MULTI, which its access tokens say', async () => {
    const { id, email, app } = await signUpWithTotp()
    const firstAt = Math.floor(service.clock.now().getTime() / 1000)
    const ticket = await ticketOf(service, email, { deviceName: 'Ada’s phone', rememberMe: false })
    service.clock.advance(60)
    const { data, errors } = await secondStep(service, ticket, { totpCode: app.code() })
    expect(errors).toEqual([])
    const payload = data?.completeLogin
    expect(payload).toMatchObject({
      user: { id },
      session: { strength: 'MULTI', methods: ['PASSWORD', 'TOTP'] },
    })
    const claims = claimsOf(payload?.accessToken ?? '')
    expect(claims).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] })
    expect(Number(claims.auth_time) - firstAt).toBeLessThan(30)
    const row = await service.app.db.session.findUniqueOrThrow({ where: { id: payload?.session.id ?? '' } })
    expect(row).toMatchObject({ deviceName: 'Ada’s phone', remembered: false })
    const later = await refreshed(service, payload?.refreshToken ?? '')
    expect(claimsOf(later.accessToken)).toMatchObject({ acr: 'mfa', auth_time: claims.auth_time })
    const [started] = (await auditOf(service, id)).filter(({ detail }) =>
      JSON.stringify(detail).includes(payload?.session.id ?? ''),
    )
    expect(started).toMatchObject({ action: 'session.started', detail: { methods: ['PASSWORD', 'TOTP'] } })
  })

  test('and a code send the tokens as the first step asked: in a cookie', async () => {
    const { email, app } = await signUpWithTotp()
    const ticket = await ticketOf(service, email, { tokenTransport: 'COOKIE' })
    const { data, headers } = await secondStep(service, ticket, { totpCode: app.code() })
    expect(data?.completeLogin).toMatchObject({ refreshToken: null, deviceToken: null })
    expect(
      headers
        .getSetCookie()
        .map(cookie => cookie.split('=')[0])
        .sort(),
    ).toEqual(['authograph_device', 'authograph_refresh'])
  })

  test('and a code keep the device: the next sign-in from it causes no notice', async () => {
    const { email, app } = await signUpWithTotp()
    const first = await secondStep(service, await ticketOf(service, email), { totpCode: app.code() })
    const deviceToken = first.data?.completeLogin.deviceToken ?? ''
    service.clock.advance(30)
    const ticket = await ticketOf(service, email, { deviceToken })
    expect(codes(await secondStep(service, ticket, { totpCode: app.code() }))).toEqual([])
    expect((await templatesTo(service, email)).filter(name => name === 'new-device')).toHaveLength(1)
  })
})

test('a sign-in without a second factor is SINGLE, and so are sessions that an earlier version started', async () => {
  const account = await signUp(service)
  expect(claimsOf(account.accessToken)).toMatchObject({ acr: '1fa', amr: ['pwd'] })
  const { data } = await firstStep(service, account.email)
  expect(data?.login).toMatchObject({ session: { strength: 'SINGLE', methods: ['PASSWORD'] } })
  await service.app.db.session.update({ where: { id: account.sessionId }, data: { passwordAt: null } })
  const old = await refreshed(service, account.refreshToken)
  const row = await service.app.db.session.findUniqueOrThrow({ where: { id: account.sessionId } })
  expect(claimsOf(old.accessToken)).toMatchObject({
    acr: '1fa',
    amr: ['pwd'],
    auth_time: Math.floor(row.authenticatedAt.getTime() / 1000),
  })
})

describe('a code', () => {
  test('that is wrong leaves the ticket valid', async () => {
    const { id, email, app } = await signUpWithTotp()
    const ticket = await ticketOf(service, email)
    expect(codes(await secondStep(service, ticket, { totpCode: app.code(5) }))).toEqual(['CODE_INVALID'])
    expect(codes(await secondStep(service, ticket, { totpCode: app.code() }))).toEqual([])
    expect(await actionsOf(service, id)).toEqual([
      'user.registered',
      'session.started',
      'factor.denied',
      'session.started',
    ])
  })

  test('of the last used step or of an earlier one is refused', async () => {
    const { email, app } = await signUpWithTotp()
    const [earlier, now] = [app.code(-1), app.code()]
    expect(codes(await secondStep(service, await ticketOf(service, email), { totpCode: now }))).toEqual([])
    const ticket = await ticketOf(service, email)
    expect(codes(await secondStep(service, ticket, { totpCode: now }))).toEqual(['CODE_INVALID'])
    expect(codes(await secondStep(service, ticket, { totpCode: earlier }))).toEqual(['CODE_INVALID'])
    expect(codes(await secondStep(service, ticket, { totpCode: app.code(1) }))).toEqual([])
  })

  test.each([{}, { password: PASSWORD }, { emailCode: '123456' }, { totpCode: '1', recoveryCode: '2' }])(
    'is what completes a sign-in: %j does not',
    async proof => {
      const { email } = await signUpWithTotp()
      expect(codes(await secondStep(service, await ticketOf(service, email), proof))).toEqual([
        'BAD_USER_INPUT',
      ])
    },
  )
})

describe('a recovery code', () => {
  test('completes a sign-in once, in any spelling, and the owner receives an email with the number left', async () => {
    const { id, email } = await signUpWithTotp()
    const [code = ''] = await haveRecoveryCodes(service, id)
    const { data } = await firstStep(service, email)
    expect(data?.login).toMatchObject({ methods: ['TOTP', 'RECOVERY_CODE'] })
    const typed = ` ${code.toLowerCase().replaceAll('-', ' ')}`
    const done = await secondStep(service, await ticketOf(service, email), { recoveryCode: typed })
    expect(done.data?.completeLogin.session).toMatchObject({
      strength: 'MULTI',
      methods: ['PASSWORD', 'RECOVERY_CODE'],
    })
    const again = await secondStep(service, await ticketOf(service, email), { recoveryCode: code })
    expect(codes(again)).toEqual(['CODE_INVALID'])
    const [mail] = (await service.mailsTo(email)).filter(({ subject }) => subject?.includes('recovery code'))
    expect(mail?.text).toContain('9 codes left')
    expect(await actionsOf(service, id)).toContain('recovery_code.used')
  })

  test('of another account is refused', async () => {
    const { email } = await signUpWithTotp()
    const [code = ''] = await haveRecoveryCodes(service, (await signUpWithTotp()).id)
    const reply = await secondStep(service, await ticketOf(service, email), { recoveryCode: code })
    expect(codes(reply)).toEqual(['CODE_INVALID'])
  })
})

describe('over two replicas', () => {
  let replica: Service
  beforeAll(async () => {
    const databaseUrl = service.app.config.database.url ?? ''
    const SMTP_URL = service.app.config.mail.smtpUrl ?? ''
    const settings = {
      SMTP_URL,
      HASH_WAIT_MS,
      LIMIT_FACTOR_ACCOUNT: '1000/15m',
      LIMIT_LOGIN_NETWORK: '1000/15m',
    }
    replica = await startService({ databaseUrl, settings, clock: service.clock })
  })
  afterAll(() => replica.close())

  const attempts = 50
  const onEither = (index: number) => (index % 2 ? service : replica)
  const outcomes = (replies: { errors: { extensions: { code: string } }[] }[]) => {
    const counts: Record<string, number> = {}
    for (const { errors } of replies) {
      const outcome = errors[0]?.extensions.code ?? 'session'
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
    return counts
  }
  const sessionsOf = (userId: string) => service.app.db.session.count({ where: { userId } })

  test('one ticket and one code, 50 times in parallel, start one session', async () => {
    const { id, email, app } = await signUpWithTotp()
    const [ticket, totpCode] = [await ticketOf(service, email), app.code()]
    const before = await sessionsOf(id)
    const replies = await Promise.all(
      Array.from({ length: attempts }, (_, index) => secondStep(onEither(index), ticket, { totpCode })),
    )
    expect(outcomes(replies).session).toBe(1)
    expect(await sessionsOf(id)).toBe(before + 1)
  })

  test('one code with ten tickets, in parallel, starts one session, and the other tickets stay valid', async () => {
    const { id, email, app } = await signUpWithTotp()
    const tickets = await Promise.all(Array.from({ length: 10 }, () => ticketOf(replica, email)))
    const totpCode = app.code()
    const replies = await Promise.all(
      tickets.map((ticket, index) => secondStep(onEither(index), ticket, { totpCode })),
    )
    expect(outcomes(replies).session).toBe(1)
    const lost = tickets.filter((_, index) => replies[index]?.errors.length)
    const next = await secondStep(replica, lost[0] ?? '', { totpCode: app.code(1) })
    expect(codes(next)).toEqual([])
    expect(await sessionsOf(id)).toBe(3)
  })

  test('one recovery code with ten tickets, in parallel, starts one session', async () => {
    const { id, email } = await signUpWithTotp()
    const [recoveryCode = ''] = await haveRecoveryCodes(service, id)
    const tickets = await Promise.all(Array.from({ length: 10 }, () => ticketOf(replica, email)))
    const replies = await Promise.all(
      tickets.map((ticket, index) => secondStep(onEither(index), ticket, { recoveryCode })),
    )
    expect(outcomes(replies).session).toBe(1)
    expect(await service.app.db.recoveryCode.count({ where: { userId: id, usedAt: null } })).toBe(9)
  })

  test('one ticket with ten recovery codes, in parallel, uses up one code', async () => {
    const { id, email } = await signUpWithTotp()
    const recovery = await haveRecoveryCodes(service, id)
    const ticket = await ticketOf(service, email)
    const replies = await Promise.all(
      recovery.map((recoveryCode, index) => secondStep(onEither(index), ticket, { recoveryCode })),
    )
    expect(outcomes(replies).session).toBe(1)
    expect(await service.app.db.recoveryCode.count({ where: { userId: id, usedAt: null } })).toBe(9)
  })
})

describe('the ticket ends', () => {
  type Account = Awaited<ReturnType<typeof signUpWithTotp>>
  const admin = signUpAdminOnce()
  const asAdmin = async () => ({ token: (await admin()).accessToken })
  const newPassword = 'nineteen copper kettles'

  const changes: Record<string, (account: Account) => Promise<unknown>> = {
    'a change of the password': async account => {
      const input = { currentPassword: PASSWORD, newPassword }
      return service.send(ChangePassword, { input }, { token: account.accessToken })
    },
    'a reset of the password': async ({ email }) => {
      await service.send(RequestPasswordReset, { input: { email } })
      const token = await mailedToken(service, email, 'reset-password')
      return service.send(ResetPassword, { input: { token, newPassword } })
    },
    'a change of the address': async account => {
      const newEmail = `new.${account.email}`
      const stepUp = { where: { id: account.sessionId }, data: { totpAt: service.clock.now() } }
      await service.app.db.session.update(stepUp)
      const token = account.accessToken
      expect(codes(await service.send(RequestEmailChange, { input: { newEmail } }, { token }))).toEqual([])
      const input = { token: await mailedToken(service, newEmail, 'confirm-email') }
      return service.send(ConfirmEmailChange, { input })
    },
    'a change of the roles': async ({ id }) =>
      service.send(SetUserRoles, { id, roles: ['user'] }, await asAdmin()),
    'disabling, even if the account is enabled again': async ({ id }) => {
      expect(codes(await service.send(DisableUser, { id }, await asAdmin()))).toEqual([])
      return service.send(EnableUser, { id }, await asAdmin())
    },
  }

  test.each(Object.entries(changes))('with %s between the steps', async (_what, change) => {
    const account = await signUpWithTotp()
    const ticket = await ticketOf(service, account.email)
    expect(codes((await change(account)) as never)).toEqual([])
    const reply = await secondStep(service, ticket, { totpCode: account.app.code() })
    expect(codes(reply)).toEqual(['TICKET_INVALID'])
  })

  test('after 10 minutes, and after it was used', async () => {
    const { email, app } = await signUpWithTotp()
    const [late, used] = [await ticketOf(service, email), await ticketOf(service, email)]
    expect(codes(await secondStep(service, used, { totpCode: app.code() }))).toEqual([])
    service.clock.advance(60)
    expect(codes(await secondStep(service, used, { totpCode: app.code() }))).toEqual(['TICKET_INVALID'])
    service.clock.advance(9 * MINUTE)
    expect(codes(await secondStep(service, late, { totpCode: app.code() }))).toEqual(['TICKET_INVALID'])
  })

  test('with the account', async () => {
    const { id, email, app } = await signUpWithTotp()
    const ticket = await ticketOf(service, email)
    await service.app.db.user.delete({ where: { id } })
    expect(codes(await secondStep(service, ticket, { totpCode: app.code() }))).toEqual(['TICKET_INVALID'])
  })

  function signUpAdminOnce() {
    let once: ReturnType<typeof signUpAdmin> | undefined
    return () => {
      once ??= signUpAdmin(service)
      return once
    }
  }
})

describe('guessing codes', () => {
  test('ends at the 11th wrong code over fresh tickets, while a known device still signs in', async () => {
    const { email, app } = await signUpWithTotp()
    const known = await secondStep(service, await ticketOf(service, email), { totpCode: app.code() })
    const deviceToken = known.data?.completeLogin.deviceToken ?? ''
    for (let attempt = 1; attempt <= 10; attempt++) {
      const ticket = await ticketOf(service, email)
      expect(codes(await secondStep(service, ticket, { totpCode: app.code(9) }))).toEqual(['CODE_INVALID'])
    }
    const stranger = await secondStep(service, await ticketOf(service, email), { totpCode: app.code(1) })
    expect(codes(stranger)).toEqual(['RATE_LIMITED'])
    expect(stranger.errors[0]?.extensions.retryAfter).toBeGreaterThan(0)
    const own = await secondStep(service, await ticketOf(service, email, { deviceToken }), {
      totpCode: app.code(1),
    })
    expect(codes(own)).toEqual([])
  })

  test('emails the owner once, at the third wrong code', async () => {
    const { email, app } = await signUpWithTotp()
    const notices = async () =>
      (await templatesTo(service, email)).filter(name => name === 'wrong-codes').length
    const ticket = await ticketOf(service, email)
    const counts: number[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      await secondStep(service, ticket, { totpCode: app.code(9) })
      counts.push(await notices())
    }
    expect(counts).toEqual([0, 0, 1, 1])
  })

  test('suspends the authenticator app after 100 wrong codes in a row, until a recovery code signs in', async () => {
    const { id, email, app } = await signUpWithTotp()
    const [recoveryCode = ''] = await haveRecoveryCodes(service, id)
    await service.app.pool.query('UPDATE users SET factor_failures = 99 WHERE id = $1', [id])
    await secondStep(service, await ticketOf(service, email), { totpCode: app.code(9) })
    const { data } = await firstStep(service, email)
    expect(data?.login).toMatchObject({ methods: ['RECOVERY_CODE'] })
    const suspended = await secondStep(service, await ticketOf(service, email), { totpCode: app.code() })
    expect(codes(suspended)).toEqual(['CODE_INVALID'])
    expect(await actionsOf(service, id)).toContain('factor.suspended')
    expect(codes(await secondStep(service, await ticketOf(service, email), { recoveryCode }))).toEqual([])
    expect(
      codes(await secondStep(service, await ticketOf(service, email), { totpCode: app.code() })),
    ).toEqual([])
  })

  test('suspends nothing for good: a new password by email ends it', async () => {
    const { id, email, app } = await signUpWithTotp()
    await service.app.pool.query('UPDATE users SET factor_failures = 100 WHERE id = $1', [id])
    await service.send(RequestPasswordReset, { input: { email } })
    const token = await mailedToken(service, email, 'reset-password')
    const password = 'twenty-one tin whistles'
    expect(codes(await service.send(ResetPassword, { input: { token, newPassword: password } }))).toEqual([])
    const ticket = await ticketOf(service, email, { password })
    expect(codes(await secondStep(service, ticket, { totpCode: app.code() }))).toEqual([])
  })

  test('is refused 30 at a time in one request', async () => {
    const { email } = await signUpWithTotp()
    const ticket = await ticketOf(service, email)
    const fields = Array.from(
      { length: 30 },
      (_, index) =>
        `a${index}: completeLogin(input: { ticket: "${ticket}", proof: { totpCode: "${String(index).padStart(6, '0')}" } }) { tokenType }`,
    )
    expect(codes(await service.send(`mutation { ${fields.join(' ')} }`))).toContain('QUERY_TOO_COMPLEX')
  })
})

describe('a second factor is demanded', () => {
  test('by its owner, and waived on a trusted device', async () => {
    const { id, email, app } = await signUpWithTotp()
    const known = await secondStep(service, await ticketOf(service, email), { totpCode: app.code() })
    const deviceToken = known.data?.completeLogin.deviceToken ?? ''
    expect((await firstStep(service, email, { deviceToken })).data?.login.__typename).toBe(
      'SecondFactorRequired',
    )
    const trustedUntil = new Date(service.clock.now().getTime() + DAY * 1000)
    await service.app.db.device.updateMany({
      where: { userId: id, trustedUntil: null },
      data: { trustedUntil },
    })
    const { data } = await firstStep(service, email, { deviceToken })
    expect(data?.login).toMatchObject({ session: { strength: 'SINGLE' } })
    expect((await firstStep(service, email)).data?.login.__typename).toBe('SecondFactorRequired')
    service.clock.advance(DAY)
    expect((await firstStep(service, email, { deviceToken })).data?.login.__typename).toBe(
      'SecondFactorRequired',
    )
  })

  test('by a role from its date on, on every device; who has none must set one up', async () => {
    const account = await signUp(service)
    const name = `role-${account.id.slice(-12)}`
    const requiredFrom = new Date(service.clock.now().getTime() + MINUTE * 1000)
    await service.app.db.role.create({
      data: { name, permissions: [], secondFactorRequiredFrom: requiredFrom },
    })
    await service.app.db.userRole.create({ data: { userId: account.id, roleName: name } })
    const first = await firstStep(service, account.email)
    expect(first.data?.login.__typename).toBe('AuthPayload')
    const deviceToken = first.data?.login.__typename === 'AuthPayload' ? first.data.login.deviceToken : ''
    const trustedUntil = new Date(service.clock.now().getTime() + DAY * 1000)
    await service.app.db.device.updateMany({ where: { userId: account.id }, data: { trustedUntil } })
    service.clock.advance(MINUTE)
    const { data } = await firstStep(service, account.email, { deviceToken })
    expect(data?.login.__typename).toBe('SecondFactorSetupRequired')
  })

  test('by an administrator’s reset until one is set up', async () => {
    const account = await signUp(service)
    await service.app.db.user.update({ where: { id: account.id }, data: { enrollmentRequired: true } })
    const { data, headers } = await firstStep(service, account.email, { tokenTransport: 'COOKIE' })
    expect(data?.login.__typename).toBe('SecondFactorSetupRequired')
    expect(headers.getSetCookie()).toEqual([])
    const ticket = data?.login.__typename === 'SecondFactorSetupRequired' ? data.login.ticket : ''
    expect(codes(await secondStep(service, ticket, { totpCode: '123456' }))).toEqual(['TICKET_INVALID'])
    expect(codes(await service.send(Me, {}, { token: ticket }))).toEqual(['UNAUTHENTICATED'])
  })

  test('not of an account whose passkey is its only factor', async () => {
    const account = await signUp(service)
    await service.app.db.passkey.create({
      data: {
        userId: account.id,
        credentialId: new Uint8Array(16).fill(Number.parseInt(account.id.slice(-2), 16)),
        publicKey: new Uint8Array(77),
        counter: 0,
        backupEligible: true,
        backedUp: true,
        discoverable: true,
        aaguid: '00000000-0000-0000-0000-000000000000',
        name: 'Phone',
        rpId: 'localhost',
        createdAt: service.clock.now(),
      },
    })
    expect((await signIn(service, account.email)).id).toBe(account.id)
  })
})
