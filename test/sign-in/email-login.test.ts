import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { LoginWithEmailMutation } from '../generated/graphql.ts'
import {
  as,
  login,
  newAddress,
  PASSWORD,
  register,
  type SignedIn,
  signUp,
  signUpAdmin,
  signUpVerified,
} from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { emailedLogin, loginWithEmail, ticketFor, wrong } from '../support/email-login.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import {
  ChangePassword,
  ConfirmEmailChange,
  DisableUser,
  EnableUser,
  Link,
  RequestEmailChange,
  RequestEmailLogin,
  RequestPasswordReset,
  ResetPassword,
  SetUserRoles,
} from '../support/operations.ts'
import { meet } from '../support/race.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, type Reply, type Service, startService, useService } from '../support/service.ts'
import { expectDead, FIREFOX } from '../support/sessions.ts'

const MANY = '10000/1h'
const settings = {
  EMAIL_LOGIN: 'on',
  LIMIT_MAIL_NETWORK: MANY,
  LIMIT_MAIL_ADDRESS: MANY,
  LIMIT_TOKEN_NETWORK: MANY,
  LIMIT_EMAIL_CODE_ACCOUNT: MANY,
}
const service = useService({ settings })

let replica: Service
let closed: Service
beforeAll(async () => {
  const databaseUrl = service.app.config.database.url ?? ''
  const shared = { databaseUrl, clock: service.clock }
  const SMTP_URL = service.app.config.mail.smtpUrl ?? ''
  replica = await startService({ ...shared, settings: { ...settings, SMTP_URL } })
  closed = await startService({ ...shared, settings: { ...settings, SMTP_URL, REGISTRATION: 'closed' } })
})
afterAll(async () => {
  await replica.close()
  await closed.close()
})

const userOf = (email: string) => service.app.db.user.findUnique({ where: { emailCanonical: email } })

function sessionOf({ data, errors }: Reply<LoginWithEmailMutation>) {
  if (data?.loginWithEmail.__typename !== 'AuthPayload')
    throw new Error(`not signed in: ${JSON.stringify(data ?? errors)}`)
  return data.loginWithEmail
}

describe('an account with a verified address signs in', () => {
  test('with the code, typed where the sign-in began', async () => {
    const { id, email } = await signUpVerified(service)
    const { ticket, code } = await emailedLogin(service, email)
    const signedIn = sessionOf(await loginWithEmail(service, { ticket, code }))
    expect(signedIn).toMatchObject({ user: { id }, session: { strength: 'SINGLE', methods: ['EMAIL'] } })
    expect(codes(await login(service, { identifier: email }))).toEqual([])
  })

  test('with the code in groups, as people type it', async () => {
    const { email } = await signUpVerified(service)
    const { ticket, code } = await emailedLogin(service, email)
    const typed = ` ${code.slice(0, 3)} ${code.slice(3)} `
    sessionOf(await loginWithEmail(service, { ticket, code: typed }))
  })

  test('with the link, in any browser and without the ticket', async () => {
    const { id, email } = await signUpVerified(service)
    const { token } = await emailedLogin(service, email)
    const input = { token, deviceName: 'A tablet', tokenTransport: 'COOKIE' } as const
    const reply = await loginWithEmail(service, input)
    expect(sessionOf(reply)).toMatchObject({
      user: { id },
      refreshToken: null,
      session: { deviceName: 'A tablet' },
    })
    expect(reply.headers.getSetCookie().join()).toContain('authograph_refresh=')
  })

  test('and the email says where the request came from, and nothing about removing anything', async () => {
    const { email } = await signUpVerified(service)
    const { text } = await emailedLogin(service, email, { headers: { 'user-agent': FIREFOX } })
    expect(text).toMatch(/Device: Firefox on Linux\nIP address: 127\.0\.0\.1/)
    expect(text).not.toContain('removes')
  })
})

describe('an email signs in once:', () => {
  test('the code uses up the link, and the link the code', async () => {
    const { email } = await signUpVerified(service)
    const first = await emailedLogin(service, email)
    sessionOf(await loginWithEmail(service, { ticket: first.ticket, code: first.code }))
    expect(codes(await loginWithEmail(service, { ticket: first.ticket, code: first.code }))).toEqual([
      'CODE_INVALID',
    ])
    expect(codes(await loginWithEmail(service, { token: first.token }))).toEqual(['TOKEN_INVALID'])
    const second = await emailedLogin(service, email)
    sessionOf(await loginWithEmail(service, { token: second.token }))
    expect(codes(await loginWithEmail(service, { token: second.token }))).toEqual(['TOKEN_INVALID'])
    expect(codes(await loginWithEmail(service, { ticket: second.ticket, code: second.code }))).toEqual([
      'CODE_INVALID',
    ])
  })

  test('50 parallel sign-ins with code and link over two replicas start one session', async () => {
    const { id, email } = await signUpVerified(service)
    const { ticket, code, token } = await emailedLogin(service, email)
    const before = await service.app.db.session.count({ where: { userId: id } })
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        loginWithEmail(n % 2 ? service : replica, n % 4 < 2 ? { ticket, code } : { token }),
      ),
    )
    expect(replies.filter(({ data }) => data)).toHaveLength(1)
    expect(new Set(replies.flatMap(codes))).toEqual(new Set(['CODE_INVALID', 'TOKEN_INVALID']))
    expect(await service.app.db.session.count({ where: { userId: id } })).toBe(before + 1)
  })

  test('also where the account demands a second factor', async () => {
    const { id, email } = await signUpVerified(service)
    await demandSecondFactor(id)
    const { ticket, code, token } = await emailedLogin(service, email)
    const reply = await loginWithEmail(service, { ticket, code, tokenTransport: 'COOKIE' })
    expect(reply.data?.loginWithEmail).toMatchObject({ __typename: 'SecondFactorSetupRequired' })
    expect(reply.headers.getSetCookie()).toEqual([])
    expect(codes(await loginWithEmail(service, { token }))).toEqual(['TOKEN_INVALID'])
  })
})

async function demandSecondFactor(id: string): Promise<void> {
  await service.app.db.user.update({ where: { id }, data: { enrollmentRequired: true } })
}

describe('what opens links spends nothing:', () => {
  test('requests to the page, reading the link and a mutation by GET leave it valid', async () => {
    const { email } = await signUpVerified(service)
    const { token } = await emailedLogin(service, email)
    for (let time = 0; time < 3; time++) {
      await fetch(`${service.url}/email-login?token=${token}#token=${token}`)
      await fetch(`${service.url}/email-login`, { method: 'HEAD' })
      expect((await service.send(Link, { token })).data?.emailLink).toEqual({
        purpose: 'SIGN_IN',
        email,
        username: null,
        displayName: null,
        invitedBy: null,
        confirmed: false,
      })
      const query = `mutation { loginWithEmail(input: { token: "${token}" }) { __typename } }`
      const got = await fetch(`${service.url}/graphql?query=${encodeURIComponent(query)}`)
      expect(await got.text()).not.toContain('AuthPayload')
    }
    sessionOf(await loginWithEmail(service, { token }))
    expect(codes(await service.send(Link, { token }))).toEqual(['TOKEN_INVALID'])
  })
})

describe('a code is guarded', () => {
  test('by its ticket: the code of one browser is wrong in another', async () => {
    const { email } = await signUpVerified(service)
    const mine = await emailedLogin(service, email)
    const strangers = await ticketFor(service, email)
    expect(codes(await loginWithEmail(service, { ticket: strangers, code: mine.code }))).toEqual([
      'CODE_INVALID',
    ])
    sessionOf(await loginWithEmail(service, { ticket: mine.ticket, code: mine.code }))
  })

  test('by five tries, after which only the link signs in', async () => {
    const { email } = await signUpVerified(service)
    const { ticket, code, token } = await emailedLogin(service, email)
    for (let tries = 1; tries <= 5; tries++)
      expect(codes(await loginWithEmail(service, { ticket, code: wrong(code, tries) }))).toEqual([
        'CODE_INVALID',
      ])
    expect(codes(await loginWithEmail(service, { ticket, code }))).toEqual(['CODE_INVALID'])
    sessionOf(await loginWithEmail(service, { token }))
  })

  test('by five tries also if 20 guesses arrive at the same time on two replicas', async () => {
    const { email } = await signUpVerified(service)
    const { ticket, code } = await emailedLogin(service, email)
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        loginWithEmail(n % 2 ? service : replica, { ticket, code: wrong(code, n + 1) }),
      ),
    )
    expect(codes(await loginWithEmail(service, { ticket, code }))).toEqual(['CODE_INVALID'])
    const rows = await service.app.db.emailLogin.findMany({ where: { emailCanonical: email } })
    expect(rows.map(({ attempts }) => attempts)).toEqual([5])
  })

  test('by its format: what is no code is not counted as a try', async () => {
    const { email } = await signUpVerified(service)
    const { ticket, code } = await emailedLogin(service, email)
    for (const typed of ['', '12345', '1234567', 'abcdef', '½23456'])
      expect(codes(await loginWithEmail(service, { ticket, code: typed }))).toEqual(['CODE_INVALID'])
    sessionOf(await loginWithEmail(service, { ticket, code }))
  })

  test.each(['', 'x', 'A'.repeat(200)])(
    'a ticket that this server did not issue is TICKET_INVALID (%#)',
    async ticket => {
      expect(codes(await loginWithEmail(service, { ticket, code: '123456' }))).toEqual(['TICKET_INVALID'])
    },
  )
})

test('code, link and ticket expire after 10 minutes', async () => {
  const { email } = await signUpVerified(service)
  const { ticket, code, token } = await emailedLogin(service, email)
  service.clock.advance(570)
  expect(codes(await service.send(Link, { token }))).toEqual([])
  service.clock.advance(31)
  expect(codes(await loginWithEmail(service, { ticket, code }))).toEqual(['TICKET_INVALID'])
  expect(codes(await loginWithEmail(service, { token }))).toEqual(['TOKEN_INVALID'])
  expect(codes(await service.send(Link, { token }))).toEqual(['TOKEN_INVALID'])
})

describe('code and link end', () => {
  const changes: [what: string, change: (account: SignedIn) => Promise<Reply<unknown>>][] = [
    [
      'a new password',
      account =>
        service.send(
          ChangePassword,
          { input: { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' } },
          as(account),
        ),
    ],
    [
      'a reset of the password',
      async ({ email }) => {
        await service.send(RequestPasswordReset, { input: { email } })
        const token = await mailedToken(service, email, 'reset-password')
        return service.send(ResetPassword, { input: { token, newPassword: 'eighteen copper kettles' } })
      },
    ],
    [
      'another address',
      async account => {
        const newEmail = newAddress()
        await service.send(RequestEmailChange, { input: { newEmail } }, as(account))
        const token = await mailedToken(service, newEmail, 'confirm-email')
        return service.send(ConfirmEmailChange, { input: { token } })
      },
    ],
    [
      'another role',
      async ({ id }) =>
        service.send(SetUserRoles, { id, roles: ['user', 'admin'] }, as(await signUpAdmin(service))),
    ],
    [
      'disabling the account, even if it is enabled again',
      async ({ id }) => {
        const admin = as(await signUpAdmin(service))
        await service.send(DisableUser, { id }, admin)
        return service.send(EnableUser, { id }, admin)
      },
    ],
  ]
  test.each(changes)('with %s', async (_what, change) => {
    const account = await signUpVerified(service)
    const { ticket, code, token } = await emailedLogin(service, account.email)
    expect(codes(await change(account))).toEqual([])
    expect(codes(await loginWithEmail(service, { token }))).toEqual(['TOKEN_INVALID'])
    expect(codes(await service.send(Link, { token }))).toEqual(['TOKEN_INVALID'])
    expect(codes(await loginWithEmail(service, { ticket, code }))).toEqual(['CODE_INVALID'])
  })

  test('with a new password that is set at the same moment', async () => {
    const account = await signUpVerified(service)
    const { token } = await emailedLogin(service, account.email)
    const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' }
    const [changed, signedIn] = await meet(
      service,
      { table: 'users', id: account.id },
      () => service.send(ChangePassword, { input }, as(account)),
      () => loginWithEmail(service, { token }),
    )
    expect(codes(changed)).toEqual([])
    expect(codes(signedIn)).toEqual(['TOKEN_INVALID'])
  })

  test('with the account', async () => {
    const { id, email } = await signUpVerified(service)
    const { token } = await emailedLogin(service, email)
    await service.app.db.user.delete({ where: { id } })
    expect(codes(await loginWithEmail(service, { token }))).toEqual(['TOKEN_INVALID'])
  })
})

describe('a disabled account', () => {
  test('receives no email, and its owner gets the same answer', async () => {
    const { id, email } = await signUpVerified(service)
    await service.app.db.user.update({ where: { id }, data: { disabledAt: service.clock.now() } })
    const templates = await templatesTo(service, email)
    const ticket = await ticketFor(service, email)
    expect(await templatesTo(service, email)).toEqual(templates)
    expect(codes(await loginWithEmail(service, { ticket, code: '123456' }))).toEqual(['CODE_INVALID'])
  })

  test('is named to a person who proved its mailbox before it was disabled', async () => {
    const { id, email } = await signUpVerified(service)
    const { token } = await emailedLogin(service, email)
    await service.app.db.user.update({ where: { id }, data: { disabledAt: service.clock.now() } })
    expect(codes(await service.send(Link, { token }))).toEqual(['ACCOUNT_DISABLED'])
    expect(codes(await loginWithEmail(service, { token }))).toEqual(['ACCOUNT_DISABLED'])
  })
})

describe('an address without an account', () => {
  test.each(['code', 'link'])('gets an account without a password by its %s', async way => {
    const email = newAddress('Ada')
    const input = { email: ` ${email} `, locale: 'ko' }
    const { data } = await service.send(RequestEmailLogin, { input })
    const mail = (await service.mailsTo(email)).at(-1)
    expect(mail?.subject).toContain('로그인')
    const [code = ''] = mail?.text?.match(/^\d{6}$/m) ?? []
    const token = await mailedToken(service, email, 'email-login')
    const proof = way === 'code' ? { ticket: data?.requestEmailLogin.ticket ?? '', code } : { token }
    const { user } = sessionOf(await loginWithEmail(service, proof))
    expect(user).toEqual({
      id: expect.any(String),
      email,
      emailVerified: true,
      locale: 'ko',
      roles: ['user'],
    })
    expect((await userOf(email.toLowerCase()))?.passwordHash).toBeNull()
    expect(codes(await login(service, { identifier: email, password: '' }))).not.toEqual([])
    expect(await actionsOf(service, user.id)).toEqual([
      'user.email_login_requested',
      'user.registered',
      'user.email_verified',
      'session.started',
    ])
  })

  test('gets one account from two emails and four parallel sign-ins', async () => {
    const email = newAddress()
    const [one, two] = [await emailedLogin(service, email), await emailedLogin(service, email)]
    const replies = await Promise.all([
      loginWithEmail(service, { token: one.token }),
      loginWithEmail(replica, { token: two.token }),
      loginWithEmail(replica, { ticket: one.ticket, code: one.code }),
      loginWithEmail(service, { ticket: two.ticket, code: two.code }),
    ])
    expect(replies.filter(({ data }) => data).length).toBeGreaterThanOrEqual(1)
    expect(replies.flatMap(codes).filter(code => !/^(?:CODE|TOKEN)_INVALID$/.test(code))).toEqual([])
    expect(await service.app.db.user.count({ where: { emailCanonical: email } })).toBe(1)
  })

  test('leaves nothing behind when its account is deleted, not even the email that created it', async () => {
    const email = newAddress()
    await emailedLogin(service, email)
    const { token } = await emailedLogin(service, email)
    const { accessToken } = sessionOf(await loginWithEmail(service, { token }))
    expect(codes(await service.send('mutation { deleteAccount }', {}, { token: accessToken }))).toEqual([])
    const left = await service.app.db.mail.findMany({ where: { recipient: email } })
    expect(left.filter(({ template }) => template !== 'account-deleted')).toEqual([])
    expect(await service.app.db.emailLogin.count({ where: { emailCanonical: email } })).toBe(0)
  })

  test('gets no email and no account while registration is closed, and the same answer', async () => {
    const email = newAddress()
    const ticket = await ticketFor(closed, email)
    expect(await templatesTo(service, email)).toEqual([])
    expect(codes(await loginWithEmail(closed, { ticket, code: '123456' }))).toEqual(['CODE_INVALID'])
    const { token } = await emailedLogin(service, email)
    expect(codes(await loginWithEmail(closed, { token }))).toEqual(['REGISTRATION_CLOSED'])
    expect(await userOf(email)).toBeNull()
  })

  test('and gets the account that was registered since the email was requested', async () => {
    const email = newAddress()
    const { token } = await emailedLogin(service, email)
    const account = await signUpVerified(service, { email })
    expect(sessionOf(await loginWithEmail(service, { token })).user.id).toBe(account.id)
  })
})

describe('a stranger who registered the address first', () => {
  /** Everything that a stranger can set up in an account while its address is not verified. */
  async function squat(email: string): Promise<SignedIn> {
    const squatter = await signUp(service, { email })
    const userId = squatter.id
    const at = service.clock.now()
    const { db } = service.app
    await db.totp.create({
      data: {
        userId,
        sealedSecret: 'x',
        algorithm: 'SHA1',
        digits: 6,
        periodSeconds: 30,
        lastStep: 0,
        createdAt: at,
      },
    })
    await db.recoveryCode.create({ data: { userId, slot: 0, hash: 'x' } })
    await db.user.update({ where: { id: userId }, data: { secondFactorRequired: true } })
    await db.apiKey.create({
      data: {
        id: randomUUID(),
        userId,
        name: 'Mine',
        keyHash: new Uint8Array(32),
        multiFactor: false,
        createdAt: at,
      },
    })
    await service.app.pool.query(
      `INSERT INTO passkeys SELECT (jsonb_populate_record(NULL::passkeys, jsonb_build_object(
         'id', gen_random_uuid(), 'user_id', $1::uuid, 'credential_id', '\\x01' || encode($1::text::bytea, 'hex'),
         'public_key', '\\x00', 'counter', 0, 'backup_eligible', false, 'backed_up', false, 'discoverable', true,
         'transports', '[]'::jsonb, 'aaguid', gen_random_uuid(), 'name', 'Mine', 'rp_id', 'localhost', 'created_at', now()))).*`,
      [userId],
    )
    return squatter
  }

  async function expectGone(squatter: SignedIn): Promise<void> {
    await expectDead(service, squatter)
    expect(codes(await login(service, { identifier: squatter.email }))).toEqual(['INVALID_CREDENTIALS'])
    const where = { userId: squatter.id }
    const { db } = service.app
    const left = [
      db.totp.count({ where }),
      db.recoveryCode.count({ where }),
      db.passkey.count({ where }),
      db.apiKey.count({ where }),
      db.user.count({ where: { id: squatter.id, secondFactorRequired: true } }),
    ]
    expect(await Promise.all(left)).toEqual([0, 0, 0, 0, 0])
  }

  test('loses password, factors, sessions and devices at the owner’s first sign-in by email', async () => {
    const email = newAddress()
    const squatter = await squat(email)
    const { text, ticket, code } = await emailedLogin(service, email)
    expect(text).toContain('removes the account’s password and passkeys')
    const { user, deviceToken } = sessionOf(await loginWithEmail(service, { ticket, code }))
    expect(user).toMatchObject({ id: squatter.id, emailVerified: true })
    await expectGone(squatter)
    const devices = await service.app.db.device.count({ where: { userId: squatter.id } })
    expect([devices, deviceToken]).toEqual([1, expect.any(String)])
    expect(await actionsOf(service, squatter.id)).toEqual(
      expect.arrayContaining(['user.credentials_removed', 'user.email_verified']),
    )
    expect(codes(await loginWithEmail(service, { ticket, code }))).toEqual(['CODE_INVALID'])
  })

  test('loses them at the owner’s first reset of the password', async () => {
    const email = newAddress()
    const squatter = await squat(email)
    await service.send(RequestPasswordReset, { input: { email } })
    const token = await mailedToken(service, email, 'reset-password')
    const newPassword = 'eighteen copper kettles'
    expect(codes(await service.send(ResetPassword, { input: { token, newPassword } }))).toEqual([])
    await expectGone(squatter)
    expect(codes(await login(service, { identifier: email, password: newPassword }))).toEqual([])
  })

  test('keeps nothing by changing the password at the same moment', async () => {
    const email = newAddress()
    const squatter = await signUp(service, { email })
    const { token } = await emailedLogin(service, email)
    const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' }
    const [signedIn, changed] = await meet(
      service,
      { table: 'users', id: squatter.id },
      () => loginWithEmail(service, { token }),
      () => service.send(ChangePassword, { input }, as(squatter)),
    )
    sessionOf(signedIn)
    expect(codes(changed)).toHaveLength(1)
    await expectDead(service, squatter)
    for (const password of [PASSWORD, input.newPassword])
      expect(codes(await login(service, { identifier: email, password }))).toEqual(['INVALID_CREDENTIALS'])
  })

  test('cannot have a link confirm an address that they asked for before', async () => {
    const email = newAddress()
    const mine = newAddress()
    const squatter = await signUp(service, { email })
    await service.send(RequestEmailChange, { input: { newEmail: mine } }, as(squatter))
    const change = await mailedToken(service, mine, 'confirm-email')
    sessionOf(await loginWithEmail(service, { token: (await emailedLogin(service, email)).token }))
    expect(codes(await service.send(ConfirmEmailChange, { input: { token: change } }))).toEqual([
      'TOKEN_INVALID',
    ])
  })

  test('gets nothing from a registration that still waits for the address', async () => {
    const verifying = await startService({ settings: { ...settings, EMAIL_VERIFICATION: 'required' } })
    try {
      const email = newAddress()
      await register(verifying, { email })
      const pending = await mailedToken(verifying, email, 'verify-email')
      const { token } = await emailedLogin(verifying, email)
      sessionOf(await loginWithEmail(verifying, { token }))
      expect(codes(await login(verifying, { identifier: email }))).toEqual(['INVALID_CREDENTIALS'])
      expect(codes(await verifying.send(Link, { token: pending }))).toEqual(['TOKEN_INVALID'])
    } finally {
      await verifying.close()
    }
  })

  test('but an account with a verified address keeps its password and its sessions', async () => {
    const account = await signUpVerified(service)
    sessionOf(await loginWithEmail(service, { token: (await emailedLogin(service, account.email)).token }))
    expect(codes(await login(service, { identifier: account.email }))).toEqual([])
    expect(codes(await service.send('{ me { id } }', {}, as(account)))).toEqual([])
  })
})

test('nothing in the database signs in: no code, no token and no ticket', async () => {
  const { email } = await signUpVerified(service)
  const { ticket, code, token } = await emailedLogin(service, email)
  const { rows } = await service.app.pool.query<{ dump: string }>(
    `SELECT string_agg(to_jsonb(l)::text, '') || (SELECT string_agg(to_jsonb(m)::text, '') FROM mails m) AS dump
     FROM email_logins l WHERE email_canonical = $1`,
    [email],
  )
  const dump = rows[0]?.dump ?? ''
  expect(dump).toContain(email)
  for (const secret of [token, ticket, `"${code}"`]) {
    expect(dump).not.toContain(secret)
    expect(dump).not.toContain(Buffer.from(secret).toString('hex'))
  }
})

describe('input', () => {
  test.each([
    {},
    { ticket: 'x' },
    { code: '123456' },
    { token: 'x', code: '123456' },
    { token: 'x', ticket: 'x', code: '123456' },
  ])('that is neither a token nor a ticket with a code is refused: %j', async input => {
    expect(codes(await loginWithEmail(service, input))).toEqual(['BAD_USER_INPUT'])
  })

  test.each([{ email: 'ada' }, { email: newAddress(), locale: '?' }])(
    'that is invalid is refused: %j',
    async input => {
      const reply = await service.send(RequestEmailLogin, { input })
      expect(Object.keys(refusedFields(reply))).toEqual([
        input.email === 'ada' ? 'input.email' : 'input.locale',
      ])
    },
  )

  test('with four sign-ins by email in one request is QUERY_TOO_COMPLEX', async () => {
    const one = (n: number) => `a${n}: loginWithEmail(input: { token: "x" }) { __typename }`
    const reply = await service.send(`mutation { ${[1, 2, 3, 4].map(one).join(' ')} }`)
    expect(codes(reply)).toEqual(['QUERY_TOO_COMPLEX'])
  })
})

test('both operations are CONFLICT unless EMAIL_LOGIN is on', async () => {
  const off = await startService()
  try {
    const { data } = await off.send<{ authSettings: { emailLogin: boolean } }, object>(
      '{ authSettings { emailLogin } }',
    )
    expect(data?.authSettings.emailLogin).toBe(false)
    expect(codes(await off.send(RequestEmailLogin, { input: { email: newAddress() } }))).toEqual(['CONFLICT'])
    expect(codes(await loginWithEmail(off, { token: 'x' }))).toEqual(['CONFLICT'])
  } finally {
    await off.close()
  }
})
