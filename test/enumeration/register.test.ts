import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { actionsOf } from '../support/audit.ts'
import { Login, Register, Settings } from '../support/operations.ts'
import { codes, PASSWORD, signUp, startService, useService } from '../support/service.ts'

const service = useService({ settings: { EMAIL_VERIFICATION: 'required' } })

const newEmail = () => `${randomUUID()}@example.com`
const newUsername = () => randomUUID().slice(0, 30)
const register = (input: { email: string; username?: string; password?: string }) =>
  service.send(Register, { input: { password: PASSWORD, ...input } })
const login = (identifier: string, password = PASSWORD) =>
  service.send(Login, { input: { identifier, password } })
const users = () => service.app.db.user

/** An account whose address is verified. */
async function verified(username?: string) {
  const email = newEmail()
  await register({ email, ...(username && { username }) })
  const where = { emailCanonical: email }
  return users().update({ where, data: { emailVerifiedAt: service.clock.now() } })
}

test('nobody is signed in by registering, and the server says so beforehand', async () => {
  const { data } = await service.send(Settings)
  expect(data?.authSettings.emailVerificationRequired).toBe(true)
  const email = newEmail()
  const reply = await register({ email })
  expect(reply.data?.register).toEqual({ __typename: 'EmailVerificationRequired' })
  expect(reply.headers.getSetCookie()).toEqual([])
  const user = await users().findUniqueOrThrow({
    where: { emailCanonical: email },
    include: { sessions: true },
  })
  expect(user).toMatchObject({ emailVerifiedAt: null, lastLoginAt: null, sessions: [] })
  expect(await actionsOf(service, user.id)).toEqual(['user.registered'])
})

describe('an address that has an account is answered like a new one', () => {
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
    ['with a username that is none', async () => ({ username: '?' })],
  ])('%s', async (_case, more) => {
    const known = await verified(newUsername())
    // Each has a free username of its own: the new address takes its.
    const toNew = await register({ email: newEmail(), ...(await more()) })
    const toKnown = await register({ email: known.email, ...(await more()) })
    const toSpelling = await register({ email: ` ${known.email.toUpperCase()} `, ...(await more()) })
    expect(facts(toKnown)).toEqual(facts(toNew))
    expect(facts(toSpelling)).toEqual(facts(toNew))
    expect(await users().findUniqueOrThrow({ where: { id: known.id } })).toEqual(known)
  })

  test('with its own username', async () => {
    const known = await verified(newUsername())
    const own = { username: known.username ?? '' }
    expect(codes(await register({ email: known.email, ...own }))).toEqual(['USERNAME_TAKEN'])
    expect(codes(await register({ email: newEmail(), ...own }))).toEqual(['USERNAME_TAKEN'])
  })

  test('after the same work in the same order', async () => {
    const known = await verified()
    const { hasher } = service.app
    const { pool } = service.app
    const [hash, query] = [hasher.hash.bind(hasher), pool.query]
    const steps: string[] = []
    hasher.hash = password => {
      steps.push('hash')
      return hash(password)
    }
    pool.query = ((...args: [{ name?: string }]) => {
      steps.push(args[0].name ?? 'audit')
      return Reflect.apply(query, pool, args)
    }) as typeof pool.query
    try {
      await register({ email: newEmail() })
      const ofNew = steps.splice(0)
      await register({ email: known.email })
      expect(steps).toEqual(ofNew)
      expect(ofNew).toEqual(['limit-count', 'hash', 'user-by-email_canonical', 'register'])
    } finally {
      hasher.hash = hash
      pool.query = query
    }
  })

  test('also by one of many that register it at once', async () => {
    const email = newEmail()
    const replies = await Promise.all(Array.from({ length: 10 }, () => register({ email })))
    expect(replies.flatMap(codes)).toEqual([])
    expect(await users().count({ where: { emailCanonical: email } })).toBe(1)
  })

  test('and its owner finds it on record', async () => {
    const known = await verified()
    await register({ email: known.email })
    expect(await actionsOf(service, known.id)).toEqual(['user.registered', 'user.registered_again'])
  })

  test('and its owner’s password stays', async () => {
    const known = await verified()
    await register({ email: known.email, password: 'eighteen copper kettles' })
    expect(codes(await login(known.email, 'eighteen copper kettles'))).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await login(known.email))).toEqual([])
  })
})

test('that an address is not verified is told only to whoever proves the password', async () => {
  const email = newEmail()
  await register({ email })
  const stranger = await login(newEmail())
  const wrong = await login(email, 'wrong')
  expect(codes(wrong)).toEqual(['INVALID_CREDENTIALS'])
  expect([wrong.status, wrong.data, wrong.errors]).toEqual([stranger.status, stranger.data, stranger.errors])
  expect(codes(await login(email))).toEqual(['EMAIL_NOT_VERIFIED'])
  const user = await users().findUniqueOrThrow({
    where: { emailCanonical: email },
    include: { sessions: true },
  })
  expect(user.sessions).toEqual([])
  expect(await actionsOf(service, user.id)).toEqual(['user.registered', 'session.denied', 'session.denied'])
})

test('an account of before goes on where it is signed in, and must verify to sign in anew', async () => {
  const lax = await startService({ databaseUrl: service.app.config.database.url ?? '' })
  try {
    const { email, accessToken } = await signUp(lax)
    const me = await service.send('{ me { email } }', {}, { token: accessToken })
    expect(me).toMatchObject({ errors: [], data: { me: { email } } })
    expect(codes(await login(email))).toEqual(['EMAIL_NOT_VERIFIED'])
  } finally {
    await lax.close()
  }
})
