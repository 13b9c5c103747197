import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { login, newAddress, newUsername, PASSWORD, register, signUp } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import { Register, ResendVerificationEmail, Settings, VerifyEmail } from '../support/operations.ts'
import { watchQueries } from '../support/queries.ts'
import { codes, startService, useService } from '../support/service.ts'

const service = useService({
  settings: { EMAIL_VERIFICATION: 'required', LIMIT_MAIL_ADDRESS: '50/1h', TRUSTED_PROXIES: '127.0.0.1' },
})

const users = () => service.app.db.user

const verify = (token: string) => service.send(VerifyEmail, { input: { token } })

/** An account whose address is verified. */
async function verified(username?: string) {
  const email = newAddress()
  await register(service, { email, ...(username && { username }) })
  expect(codes(await verify(await mailedToken(service, email, 'verify-email')))).toEqual([])
  return users().findUniqueOrThrow({ where: { emailCanonical: email } })
}

test('a registration does not sign in, and the settings announce that', async () => {
  const { data } = await service.send(Settings)
  expect(data?.authSettings.emailVerificationRequired).toBe(true)
  const email = newAddress()
  const reply = await register(service, { email })
  expect(reply.data?.register).toEqual({ __typename: 'EmailVerificationRequired' })
  expect(reply.headers.getSetCookie()).toEqual([])
})

test('an account is created only when its address is verified', async () => {
  const email = ` Ada.${randomUUID()}@example.com`
  const username = newUsername()
  await service.send(Register, {
    input: { email, username, password: PASSWORD, displayName: 'Ada', locale: 'ko' },
  })
  const emailCanonical = email.trim().toLowerCase()
  expect(await users().findUnique({ where: { emailCanonical } })).toBeNull()
  const token = await mailedToken(service, email.trim(), 'verify-email')
  const { data, errors } = await verify(token)
  expect(errors).toEqual([])
  expect(data?.verifyEmail).toMatchObject({
    email: email.trim(),
    emailVerified: true,
    username,
    displayName: 'Ada',
    locale: 'ko',
    roles: ['user'],
    sessions: [],
  })
  const user = await users().findUniqueOrThrow({ where: { emailCanonical } })
  expect(user).toMatchObject({ emailVerifiedAt: expect.any(Date), lastLoginAt: null })
  expect(await actionsOf(service, user.id)).toEqual([
    'registration.requested',
    'user.registered',
    'user.email_verified',
  ])
  expect(codes(await login(service, { identifier: email }))).toEqual([])
  expect(codes(await verify(token))).toEqual(['TOKEN_INVALID'])
})

describe('of two pending registrations', () => {
  const waiting = async (input: { email: string; username?: string; password?: string }) => {
    await register(service, input)
    return mailedToken(service, input.email, 'verify-email')
  }

  test('of one address, the first to verify gets it, and nothing of the other remains', async () => {
    const email = newAddress()
    const [first, second] = [await waiting({ email }), await waiting({ email, password: 'another good one' })]
    expect(codes(await verify(first))).toEqual([])
    expect(codes(await verify(second))).toEqual(['TOKEN_INVALID'])
    expect(codes(await login(service, { identifier: email, password: 'another good one' }))).toEqual([
      'INVALID_CREDENTIALS',
    ])
    // The used token stays until it expires, so that a second click finds the address confirmed. It holds no password.
    const left = await service.app.db.emailToken.findMany({ where: { emailCanonical: email } })
    expect(left).toMatchObject([{ usedAt: expect.any(Date), payload: {} }])
    expect(JSON.stringify(left)).not.toContain('argon2')
  })

  test('of one address, simultaneous verifications create one account', async () => {
    const email = newAddress()
    const tokens = [await waiting({ email }), await waiting({ email }), await waiting({ email })]
    const replies = await Promise.all([...tokens, ...tokens].map(verify))
    expect(replies.flatMap(codes)).toEqual(Array(5).fill('TOKEN_INVALID'))
    expect(await users().count({ where: { emailCanonical: email } })).toBe(1)
  })

  test('with one username, the second gets an account without it', async () => {
    const username = newUsername()
    const [one, two] = [newAddress(), newAddress()]
    const tokens = [await waiting({ email: one, username }), await waiting({ email: two, username })]
    expect((await verify(tokens[0] ?? '')).data?.verifyEmail.username).toBe(username)
    const second = await verify(tokens[1] ?? '')
    expect([second.errors, second.data?.verifyEmail]).toMatchObject([[], { email: two, username: null }])
    expect(codes(await login(service, { identifier: two }))).toEqual([])
  })
})

describe('a second link', () => {
  const resend = (email: string) => service.send(ResendVerificationEmail, { input: { email } })

  test('creates the account, and the first no longer does', async () => {
    const email = newAddress()
    await register(service, { email })
    const first = await mailedToken(service, email, 'verify-email')
    service.clock.advance(86_000)
    expect((await resend(email)).data?.resendVerificationEmail).toBe(true)
    service.clock.advance(86_000)
    expect(codes(await verify(first))).toEqual(['TOKEN_INVALID'])
    expect(codes(await verify(await mailedToken(service, email, 'verify-email')))).toEqual([])
    expect(codes(await login(service, { identifier: email }))).toEqual([])
  })

  test('confirms the registration from the same IP address, even if another user has registered the address since', async () => {
    const [email, stranger] = [newAddress(), { 'x-forwarded-for': '192.0.2.66' }]
    await register(service, { email })
    const input = { email, password: 'another good one' }
    await service.send(Register, { input }, { headers: stranger })
    await resend(email)
    const emails = await service.mailsTo(email)
    expect(emails.map(({ text }) => text?.match(/IP address: (.*)/)?.[1])).toEqual([
      '127.0.0.1',
      '192.0.2.66',
      '127.0.0.1',
    ])
    expect(codes(await login(service, { identifier: email }))).toEqual(['EMAIL_NOT_VERIFIED'])
    expect(codes(await verify(await mailedToken(service, email, 'verify-email')))).toEqual([])
    expect(codes(await login(service, { identifier: email }))).toEqual([])
  })

  test('is not sent to an account that is registered again', async () => {
    const { email } = await verified()
    await register(service, { email, password: 'another good one' })
    const before = await templatesTo(service, email)
    expect((await resend(email)).data?.resendVerificationEmail).toBe(true)
    expect(await templatesTo(service, email)).toEqual(before)
    expect(before).toEqual(['verify-email', 'already-registered'])
  })

  test('is not sent for a registration older than a day', async () => {
    const email = newAddress()
    await register(service, { email })
    const token = await mailedToken(service, email, 'verify-email')
    service.clock.advance(86_401)
    await resend(email)
    expect(await templatesTo(service, email)).toEqual(['verify-email'])
    expect(codes(await verify(token))).toEqual(['TOKEN_INVALID'])
    expect(codes(await login(service, { identifier: email }))).toEqual(['INVALID_CREDENTIALS'])
  })
})

describe('an address with an account gets the same answer as a new one', () => {
  const facts = ({ status, headers, data, errors }: Awaited<ReturnType<typeof register>>) => ({
    status,
    headers: [...headers.keys()].sort(),
    length: headers.get('content-length'),
    data,
    errors: errors.map(({ message, extensions }) => ({ message, extensions })),
  })

  test.each([
    ['alone', async () => ({})],
    ['with a free username', async () => ({ username: newUsername() })],
    [
      'with a username that is taken',
      async () => ({ username: (await verified(newUsername())).username ?? '' }),
    ],
    ['with a weak password', async () => ({ password: 'password1' })],
    ['with an invalid username', async () => ({ username: '?' })],
  ])('%s', async (_case, more) => {
    const known = await verified(newUsername())
    // Each call of `more` creates a new username, because the new address takes its own.
    const toNew = await register(service, { email: newAddress(), ...(await more()) })
    const toKnown = await register(service, { email: known.email, ...(await more()) })
    const toSpelling = await register(service, { email: ` ${known.email.toUpperCase()} `, ...(await more()) })
    expect(facts(toKnown)).toEqual(facts(toNew))
    expect(facts(toSpelling)).toEqual(facts(toNew))
    expect(await users().findUniqueOrThrow({ where: { id: known.id } })).toEqual(known)
  })

  test('with its own username', async () => {
    const known = await verified(newUsername())
    const own = { username: known.username ?? '' }
    expect(codes(await register(service, { email: known.email, ...own }))).toEqual(['USERNAME_TAKEN'])
    expect(codes(await register(service, { email: newAddress(), ...own }))).toEqual(['USERNAME_TAKEN'])
  })

  test('after the same work in the same order', async () => {
    const known = await verified()
    const { hasher } = service.app
    const hash = hasher.hash.bind(hasher)
    const steps: string[] = []
    hasher.hash = password => {
      steps.push('hash')
      return hash(password)
    }
    const stop = watchQueries(service.app, name => steps.push(name ?? 'audit'))
    try {
      await register(service)
      const ofNew = steps.splice(0)
      await register(service, { email: known.email })
      expect(steps).toEqual(ofNew)
      expect(ofNew).toEqual(['limit-count', 'hash', 'user-by-email_canonical', 'request-mail'])
    } finally {
      hasher.hash = hash
      stop()
    }
  })

  test('even for many simultaneous registrations', async () => {
    const email = newAddress()
    const replies = await Promise.all(Array.from({ length: 10 }, () => register(service, { email })))
    expect(replies.flatMap(codes)).toEqual([])
  })

  test('and the attempt is recorded for its owner', async () => {
    const known = await verified()
    await register(service, { email: known.email })
    expect(await actionsOf(service, known.id)).toEqual([
      'registration.requested',
      'user.registered',
      'user.email_verified',
      'user.registered_again',
    ])
    expect((await service.mailsTo(known.email)).at(-1)?.subject).toContain('already have an account')
  })

  test('and its owner’s password stays the same', async () => {
    const known = await verified()
    await register(service, { email: known.email, password: 'eighteen copper kettles' })
    expect(
      codes(await login(service, { identifier: known.email, password: 'eighteen copper kettles' })),
    ).toEqual(['EMAIL_NOT_VERIFIED'])
    expect(codes(await login(service, { identifier: known.email }))).toEqual([])
  })
})

test('EMAIL_NOT_VERIFIED is revealed only after the correct password', async () => {
  const email = newAddress()
  await register(service, { email })
  const stranger = await login(service, { identifier: newAddress() })
  const wrong = await login(service, { identifier: email, password: 'wrong' })
  expect(codes(wrong)).toEqual(['INVALID_CREDENTIALS'])
  expect([wrong.status, wrong.data, wrong.errors]).toEqual([stranger.status, stranger.data, stranger.errors])
  expect(codes(await login(service, { identifier: email }))).toEqual(['EMAIL_NOT_VERIFIED'])
})

describe('signing in with the password of your own pending registration', () => {
  const MINE = 'a stranger’s own password'
  /** The steps of a sign-in, with its answer. */
  const stepsOf = async (email: string, password: string) => {
    const { hasher } = service.app
    const verifyHash = hasher.verify.bind(hasher)
    const steps: string[] = []
    hasher.verify = (...args) => {
      steps.push('verify')
      return verifyHash(...args)
    }
    const stop = watchQueries(service.app, name => steps.push(name ?? 'audit'))
    try {
      const { status, data, errors } = await login(service, { identifier: email, password })
      return { steps, status, data, errors }
    } finally {
      hasher.verify = verifyHash
      stop()
    }
  }

  test('reveals no more about an address with an account than about one without', async () => {
    const [known, unknown] = [(await verified()).email, newAddress()]
    for (const email of [known, unknown]) await register(service, { email, password: MINE })
    const [ofKnown, ofUnknown] = [await stepsOf(known, MINE), await stepsOf(unknown, MINE)]
    expect(ofKnown).toEqual(ofUnknown)
    expect(codes(ofKnown)).toEqual(['EMAIL_NOT_VERIFIED'])
    expect(ofKnown.steps.filter(step => step === 'verify')).toHaveLength(2)
  })

  test('reveals nothing with a wrong password, or for an address without a registration', async () => {
    const [known, waiting] = [(await verified()).email, newAddress()]
    await register(service, { email: waiting, password: MINE })
    const replies = [
      await stepsOf(known, 'wrong'),
      await stepsOf(waiting, 'wrong'),
      await stepsOf(newAddress(), 'wrong'),
    ]
    expect(replies.flatMap(codes)).toEqual(Array(3).fill('INVALID_CREDENTIALS'))
    expect(replies[1]).toEqual(replies[0])
    expect(replies[2]).toEqual(replies[0])
  })

  test('does not allow unlimited guesses at the account’s password', async () => {
    const { email } = await verified()
    await register(service, { email, password: MINE })
    const outcomes: string[] = []
    for (let count = 0; count < 11; count++)
      outcomes.push(...codes(await login(service, { identifier: email, password: MINE })))
    expect(outcomes).toEqual([...Array(10).fill('EMAIL_NOT_VERIFIED'), 'RATE_LIMITED'])
  })
})

test('an existing account stays signed in, and must verify its address to sign in again', async () => {
  const lax = await startService({
    databaseUrl: service.app.config.database.url ?? '',
    clock: service.clock,
  })
  try {
    const { email, accessToken } = await signUp(lax)
    const me = await service.send('{ me { email } }', {}, { token: accessToken })
    expect(me).toMatchObject({ errors: [], data: { me: { email } } })
    expect(codes(await login(service, { identifier: email }))).toEqual(['EMAIL_NOT_VERIFIED'])
  } finally {
    await lax.close()
  }
})
