import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { PASSWORD, signUp, signUpAdmin, signUpVerified } from '../support/actors.ts'
import { actionsOf, auditOf } from '../support/audit.ts'
import type { Ceremony } from '../support/authenticator.ts'
import { haveTotp } from '../support/factors.ts'
import { claimsOf } from '../support/forge.ts'
import { templatesTo } from '../support/mails.ts'
import { addSessions } from '../support/many-sessions.ts'
import { ChangePassword, DisableUser, Me } from '../support/operations.ts'
import {
  answerLogin,
  beginLogin,
  havePasskey,
  newAuthenticator,
  passkeyLogin,
  passkeyProblem,
} from '../support/passkeys.ts'
import { watchQueries } from '../support/queries.ts'
import { meet } from '../support/race.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'

const service = useService()

async function signUpWithPasskey(options?: { synced?: boolean; discoverable?: boolean }) {
  const account = await signUpVerified(service)
  return { ...account, authenticator: await havePasskey(service, account.id, options) }
}

describe('a passkey', () => {
  test('signs in without a name, as phishing-resistant, and its access tokens say so', async () => {
    const { id, authenticator } = await signUpWithPasskey()
    const { data, errors } = await passkeyLogin(service, authenticator, {}, { deviceName: 'Ada’s phone' })
    expect(errors).toEqual([])
    if (data?.loginWithPasskey.__typename !== 'AuthPayload') throw new Error(JSON.stringify(data))
    const { accessToken, session, user } = data.loginWithPasskey
    expect([user.id, session]).toEqual([
      id,
      {
        id: expect.any(String),
        strength: 'PHISHING_RESISTANT',
        methods: ['PASSKEY'],
        deviceName: 'Ada’s phone',
      },
    ])
    expect(claimsOf(accessToken)).toMatchObject({ acr: 'phr', amr: expect.arrayContaining(['pop', 'user']) })
    expect((await service.send(Me, {}, { token: accessToken })).data?.me?.id).toBe(id)
    expect((await auditOf(service, id)).at(-1)).toMatchObject({
      action: 'session.started',
      detail: { methods: ['PASSKEY'] },
    })
    const [passkey] = await service.app.db.passkey.findMany({ where: { userId: id } })
    expect(passkey?.lastUsedAt).toBeInstanceOf(Date)
  })

  test('satisfies the demand for a second factor', async () => {
    const { id, authenticator } = await signUpWithPasskey()
    await haveTotp(service, id)
    const { data } = await passkeyLogin(service, authenticator)
    expect(data?.loginWithPasskey.__typename).toBe('AuthPayload')
  })

  test('sets the cookies if asked to, and remembers the device: the next sign-in causes no notice', async () => {
    const { email, authenticator } = await signUpWithPasskey()
    const first = await passkeyLogin(service, authenticator, {}, { tokenTransport: 'COOKIE' })
    expect(first.data?.loginWithPasskey).toMatchObject({ refreshToken: null, deviceToken: null })
    const cookies = first.headers.getSetCookie().map(cookie => cookie.split(';')[0] ?? '')
    expect(cookies.map(cookie => cookie.split('=')[0]).sort()).toEqual([
      'authograph_device',
      'authograph_refresh',
    ])
    const [, deviceToken = ''] =
      cookies.find(cookie => cookie.startsWith('authograph_device'))?.split('=') ?? []
    await passkeyLogin(service, authenticator, {}, { deviceToken })
    expect((await templatesTo(service, email)).filter(name => name === 'new-device')).toHaveLength(1)
  })

  test('of a disabled account answers ACCOUNT_DISABLED', async () => {
    const { id, authenticator } = await signUpWithPasskey()
    await service.send(DisableUser, { id }, { token: (await signUpAdmin(service)).accessToken })
    expect(codes(await passkeyLogin(service, authenticator))).toEqual(['ACCOUNT_DISABLED'])
  })

  test('starts no session if the password changes at the same time: the change ends what began before it', async () => {
    const { id, accessToken, authenticator } = await signUpWithPasskey()
    const input = { currentPassword: PASSWORD, newPassword: 'eighteen iron engines' }
    const [changed, signedIn] = await meet(
      service,
      { table: 'users', id },
      () => service.send(ChangePassword, { input }, { token: accessToken }),
      () => passkeyLogin(service, authenticator),
    )
    expect([codes(changed), codes(signedIn)]).toEqual([[], ['TICKET_INVALID']])
    expect(codes(await passkeyLogin(service, authenticator))).toEqual([])
  })
})

const attacks: [string, Ceremony][] = [
  ['a page of another origin', { origin: 'https://evil.example' }],
  ['an origin that only starts alike', { origin: 'http://localhost:4000.evil.example' }],
  ['another relying party', { rpId: 'evil.example' }],
  ['the other ceremony', { type: 'webauthn.create' }],
  ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
  ['a frame of another origin', { crossOrigin: true }],
  ['a frame that names its top origin', { crossOrigin: true, topOrigin: 'https://evil.example' }],
  ['a bogus signature', { forged: true }],
  ['no user present', { userPresent: false, userVerified: false }],
  ['no user verification', { userVerified: false }],
  ['another account’s user handle', { userHandle: Buffer.alloc(32).toString('base64url') }],
]

describe('a browser’s answer is refused, and starts no session, for', () => {
  test.each(attacks)('%s', async (_name, ceremony) => {
    const { id, authenticator } = await signUpWithPasskey()
    const spent = await service.app.db.spentTicket.count()
    expect(passkeyProblem(await passkeyLogin(service, authenticator, ceremony))).toBe(
      'PASSKEY_INVALID REFUSED',
    )
    expect(await actionsOf(service, id)).toEqual(['user.registered', 'session.started', 'session.denied'])
    expect(await service.app.db.spentTicket.count()).toBe(spent)
    // The same browser can try again.
    expect(codes(await passkeyLogin(service, authenticator))).toEqual([])
  })

  test.each([{}, { id: 'x' }, { id: 'x'.repeat(5000) }, { id: 'x', response: { userHandle: 5 } }])(
    'junk (%#)',
    async junk => {
      const { ticket } = await beginLogin(service)
      expect(passkeyProblem(await answerLogin(service, ticket, junk))).toBe('PASSKEY_INVALID REFUSED')
    },
  )
})

describe('a passkey that no account has', () => {
  test('is UNKNOWN, so that the browser can forget it', async () => {
    const reply = await passkeyLogin(service, newAuthenticator(service))
    expect(passkeyProblem(reply)).toBe('PASSKEY_INVALID UNKNOWN')
    expect(reply.errors[0]?.message).toMatch(/removed/)
  })

  test.each(
    attacks.filter(
      ([, ceremony]) => !ceremony.forged && !ceremony.userHandle && ceremony.userVerified !== false,
    ),
  )('is only REFUSED for %s', async (_name, ceremony) => {
    const reply = await passkeyLogin(service, newAuthenticator(service), ceremony)
    expect(passkeyProblem(reply)).toBe('PASSKEY_INVALID REFUSED')
  })
})

describe('a ticket', () => {
  test('starts one session, 50 times in parallel over two replicas', async () => {
    const replica = await startService({ databaseUrl: service.app.config.database.url! })
    try {
      const { id, authenticator } = await signUpWithPasskey()
      const { ticket, options } = await beginLogin(service)
      const credential = authenticator.get(options)
      const replies = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          answerLogin(index % 2 ? service : replica, ticket, credential),
        ),
      )
      expect(replies.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
      expect(new Set(replies.flatMap(codes))).toEqual(new Set(['TICKET_INVALID']))
      expect(await service.app.db.session.count({ where: { userId: id } })).toBe(2)
    } finally {
      await replica.close()
    }
  })

  test('that was used, has expired, or is of another step is TICKET_INVALID', async () => {
    const { authenticator } = await signUpWithPasskey()
    const used = await beginLogin(service)
    await answerLogin(service, used.ticket, authenticator.get(used.options))
    const again = await answerLogin(service, used.ticket, authenticator.get(used.options))
    expect(codes(again)).toEqual(['TICKET_INVALID'])
    const late = await beginLogin(service)
    service.clock.advance(601)
    expect(codes(await answerLogin(service, late.ticket, authenticator.get(late.options)))).toEqual([
      'TICKET_INVALID',
    ])
    expect(codes(await answerLogin(service, 'x', authenticator.get(late.options)))).toEqual([
      'TICKET_INVALID',
    ])
  })

  test('of one browser is worthless with the answer of another', async () => {
    const { authenticator } = await signUpWithPasskey()
    const [mine, theirs] = [await beginLogin(service), await beginLogin(service)]
    const reply = await answerLogin(service, theirs.ticket, authenticator.get(mine.options))
    expect(passkeyProblem(reply)).toBe('PASSKEY_INVALID REFUSED')
  })
})

describe('the signature counter', () => {
  test('of a device-bound passkey must rise: a copy is refused', async () => {
    const { authenticator } = await signUpWithPasskey({ synced: false })
    expect(codes(await passkeyLogin(service, authenticator, { counter: 7 }))).toEqual([])
    for (const counter of [7, 6, 0]) {
      expect(passkeyProblem(await passkeyLogin(service, authenticator, { counter }))).toBe(
        'PASSKEY_INVALID REFUSED',
      )
    }
    expect(codes(await passkeyLogin(service, authenticator, { counter: 8 }))).toEqual([])
  })

  test('of a device-bound passkey starts one session for each value, in parallel', async () => {
    const { id, authenticator } = await signUpWithPasskey({ synced: false })
    const begun = await Promise.all(Array.from({ length: 10 }, () => beginLogin(service)))
    const replies = await Promise.all(
      begun.map(({ ticket, options }) =>
        answerLogin(service, ticket, authenticator.get(options, { counter: 1 })),
      ),
    )
    expect(replies.filter(({ errors }) => errors.length === 0)).toHaveLength(1)
    expect(await service.app.db.session.count({ where: { userId: id } })).toBe(2)
  })

  test('of a synced passkey may go back, which is recorded', async () => {
    const { id, authenticator } = await signUpWithPasskey()
    await passkeyLogin(service, authenticator, { counter: 7 })
    expect(codes(await passkeyLogin(service, authenticator, { counter: 3 }))).toEqual([])
    const regressed = (await auditOf(service, id)).filter(
      ({ action }) => action === 'factor.counter_regressed',
    )
    expect(regressed).toMatchObject([{ detail: { stored: 7, presented: 3 } }])
    expect(Number((await service.app.db.passkey.findFirst({ where: { userId: id } }))?.counter)).toBe(7)
  })
})

describe('a passkey that the process has verified before, on a device that its account knows,', () => {
  async function knownPasskey(options?: { synced?: boolean }) {
    const account = await signUpWithPasskey(options)
    const { data } = await passkeyLogin(service, account.authenticator)
    if (data?.loginWithPasskey.__typename !== 'AuthPayload') throw new Error(JSON.stringify(data))
    const deviceToken = data.loginWithPasskey.deviceToken ?? ''
    const login = (ceremony: Ceremony = {}) =>
      passkeyLogin(service, account.authenticator, ceremony, { deviceToken })
    return { ...account, deviceToken, login }
  }

  test('signs in with one statement, which records it as any other', async () => {
    const { id, login } = await knownPasskey()
    service.clock.advance(60)
    const since = service.clock.now()
    const queries: (string | undefined)[] = []
    const stop = watchQueries(service.app, name => queries.push(name))
    const { data } = await login()
    stop()
    expect(queries).toEqual(['start passkey'])
    if (data?.loginWithPasskey.__typename !== 'AuthPayload') throw new Error(JSON.stringify(data))
    const { session, user, accessToken } = data.loginWithPasskey
    expect(session).toMatchObject({ strength: 'PHISHING_RESISTANT', methods: ['PASSKEY'] })
    expect(claimsOf(accessToken)).toMatchObject({ sub: id, sid: session.id, acr: 'phr' })
    const { db } = service.app
    expect(await db.user.count({ where: { id, lastLoginAt: { gte: since } } })).toBe(1)
    expect(await db.passkey.count({ where: { userId: user.id, lastUsedAt: { gte: since } } })).toBe(1)
    expect(await db.device.count({ where: { userId: id, lastSeen: { gte: since } } })).toBe(1)
    expect((await auditOf(service, id)).at(-1)).toMatchObject({
      action: 'session.started',
      actorId: id,
      detail: { sessionId: session.id, methods: ['PASSKEY'] },
    })
    expect((await service.send(Me, {}, { token: accessToken })).data?.me?.id).toBe(id)
  })

  test.each(attacks)('is refused for %s', async (_name, ceremony) => {
    const { id, login } = await knownPasskey()
    expect(passkeyProblem(await login(ceremony))).toBe('PASSKEY_INVALID REFUSED')
    expect((await actionsOf(service, id)).at(-1)).toBe('session.denied')
  })

  test('is refused once it is removed, has another key, or its account is disabled', async () => {
    const { db } = service.app
    const [removed, replaced, disabled] = [await knownPasskey(), await knownPasskey(), await knownPasskey()]
    await db.passkey.deleteMany({ where: { userId: removed.id } })
    expect(passkeyProblem(await removed.login())).toBe('PASSKEY_INVALID UNKNOWN')
    const publicKey = new Uint8Array(newAuthenticator(service).coseKey)
    await db.passkey.updateMany({ where: { userId: replaced.id }, data: { publicKey } })
    expect(passkeyProblem(await replaced.login())).toBe('PASSKEY_INVALID REFUSED')
    await db.user.update({ where: { id: disabled.id }, data: { disabledAt: service.clock.now() } })
    expect(codes(await disabled.login())).toEqual(['ACCOUNT_DISABLED'])
  })

  test('is refused if the counter of a device-bound one does not rise', async () => {
    const { login } = await knownPasskey({ synced: false })
    expect(codes(await login({ counter: 7 }))).toEqual([])
    expect(passkeyProblem(await login({ counter: 7 }))).toBe('PASSKEY_INVALID REFUSED')
    expect(codes(await login({ counter: 8 }))).toEqual([])
  })

  test('starts one session for each answer, sent ten times by each of five people in the same moment', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => knownPasskey()))
    const disabled = people[2]?.id ?? ''
    await service.app.db.user.update({ where: { id: disabled }, data: { disabledAt: service.clock.now() } })
    const begun = await Promise.all(people.map(() => beginLogin(service)))
    const before = await service.app.db.session.count()
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const [person, ceremony] = [people[index % 5], begun[index % 5]]
        if (!person || !ceremony) throw new Error('There are five people.')
        const { authenticator, deviceToken } = person
        return answerLogin(service, ceremony.ticket, authenticator.get(ceremony.options), { deviceToken })
      }),
    )
    const byPerson = people.map((_, place) =>
      replies.filter((_, index) => index % 5 === place).flatMap(codes),
    )
    expect(byPerson.map(each => [each.length, ...new Set(each)])).toEqual(
      people.map(({ id }) => (id === disabled ? [10, 'ACCOUNT_DISABLED'] : [9, 'TICKET_INVALID'])),
    )
    expect(await service.app.db.session.count()).toBe(before + 4)
  })

  test('ends the oldest session of an account that has the most, and says so', async () => {
    const { login, ...account } = await knownPasskey()
    const { max } = service.app.config.sessions
    await addSessions(service, account, max - 2, { created_at: `created_at + interval '1 second'` })
    service.clock.advance(1)
    expect(codes(await login())).toEqual([])
    const ended = (await auditOf(service, account.id)).filter(({ action }) => action === 'session.revoked')
    expect(ended).toMatchObject([{ actorId: account.id, detail: { because: 'too many sessions', count: 1 } }])
    expect(codes(await service.send(Me, {}, { token: account.accessToken }))).toEqual(['UNAUTHENTICATED'])
  })
})

test('beginPasskeyLogin reveals no account and asks the database nothing, however often it is called', async () => {
  const queries: (string | undefined)[] = []
  const stop = watchQueries(service.app, name => queries.push(name))
  const begun = await Promise.all(Array.from({ length: 200 }, () => beginLogin(service)))
  stop()
  expect(queries).toEqual([])
  expect(new Set(begun.map(({ options }) => options.challenge)).size).toBe(200)
  for (const { options } of begun) {
    expect(options).toMatchObject({ rpId: 'localhost', userVerification: 'required' })
    expect(options.allowCredentials ?? []).toEqual([])
  }
})

describe('with other settings', () => {
  let strict: Service
  let off: Service
  beforeAll(async () => {
    strict = await startService({
      settings: { EMAIL_VERIFICATION: 'required', LIMIT_PASSKEY_NETWORK: '3/15m' },
    })
    off = await startService({ settings: { PASSKEYS: 'off' } })
  })
  afterAll(() => Promise.all([strict.close(), off.close()]))

  test('an unverified address can’t sign in if verification is required', async () => {
    const now = strict.clock.now()
    const row = {
      email: 'eve@example.com',
      emailCanonical: 'eve@example.com',
      createdAt: now,
      updatedAt: now,
    }
    const { id } = await strict.app.db.user.create({ data: row })
    const authenticator = await havePasskey(strict, id)
    expect(codes(await passkeyLogin(strict, authenticator))).toEqual(['EMAIL_NOT_VERIFIED'])
  })

  test('invalid passkeys of a network are limited, and valid ones still sign in', async () => {
    const now = strict.clock.now()
    const row = {
      email: 'ada@example.com',
      emailCanonical: 'ada@example.com',
      createdAt: now,
      updatedAt: now,
    }
    const { id } = await strict.app.db.user.create({ data: { ...row, emailVerifiedAt: now } })
    const authenticator = await havePasskey(strict, id)
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(codes(await passkeyLogin(strict, authenticator, { forged: true }))).toEqual(['PASSKEY_INVALID'])
    }
    expect(codes(await passkeyLogin(strict, authenticator, { forged: true }))).toEqual(['RATE_LIMITED'])
    expect(codes(await passkeyLogin(strict, authenticator))).toEqual([])
  })

  test('PASSKEYS=off answers CONFLICT', async () => {
    const { errors } = await off.send('mutation { beginPasskeyLogin { ticket } }')
    expect(errors[0]?.extensions.code).toBe('CONFLICT')
    expect(codes(await answerLogin(off, 'x', { id: 'x' }))).toEqual(['CONFLICT'])
  })
})

test('four sign-ins in one request are QUERY_TOO_COMPLEX', async () => {
  const login = (alias: string) =>
    `${alias}: loginWithPasskey(input: { passkey: { ticket: "x", credential: {} } }) { __typename }`
  const reply = await service.send(`mutation { ${['a', 'b', 'c', 'd'].map(login).join(' ')} }`)
  expect(codes(reply)).toEqual(['QUERY_TOO_COMPLEX'])
  await signUp(service)
})
