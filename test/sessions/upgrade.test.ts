import { randomBytes, randomUUID } from 'node:crypto'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { migrate } from '../../src/database/migrate.ts'
import { refreshTokenOf, saltOf } from '../../src/sessions/refresh-token.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { mailedToken } from '../support/mails.ts'
import { OF_0_4 } from '../support/operations-of-0.4.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'
import { codes, type Service, startService } from '../support/service.ts'
import { refresh, refreshed, stateOf } from '../support/sessions.ts'

const MIGRATIONS = path.resolve(import.meta.dirname, '../../prisma/migrations')
/** The first migration that version 0.4 does not have. */
const FIRST_NEW = '20261122'

const userId = randomUUID()
/** Sessions as version 0.4 left them. */
const sessions = {
  unused: { id: randomUUID(), generation: 0, seen: false },
  unseen: { id: randomUUID(), generation: 3, seen: false },
  lost: { id: randomUUID(), generation: 3, seen: false },
  seen: { id: randomUUID(), generation: 3, seen: true },
  stolen: { id: randomUUID(), generation: 3, seen: true },
}
const salt = new Uint8Array(randomBytes(16))

let database: TestDatabase
let service: Service

beforeAll(async () => {
  database = await createEmptyDatabase()
  const old = await mkdtemp(path.join(tmpdir(), 'migrations-'))
  const pool = new pg.Pool({ connectionString: database.url, max: 1 })
  try {
    const names = (await readdir(MIGRATIONS)).filter(name => name < FIRST_NEW)
    for (const name of names) await cp(path.join(MIGRATIONS, name), path.join(old, name), { recursive: true })
    await migrate(pool, old)
    await pool.query(
      `INSERT INTO users (id, email, email_canonical, created_at, updated_at)
       VALUES ($1, 'a@example.com', 'a@example.com', now(), now())`,
      [userId],
    )
    for (const { id, generation, seen } of Object.values(sessions)) {
      await pool.query(
        `INSERT INTO sessions (id, user_id, generation, salt, created_at, last_used_at, authenticated_at, rotated_at,
           generation_seen_at, expires_at, absolute_expires_at, idle_ttl_seconds, remembered)
         VALUES ($1, $2, $3, $4, now(), now(), now(), CASE WHEN $3 > 0 THEN now() - interval '1 hour' END,
           CASE WHEN $5 THEN now() END, now() + interval '30 days', now() + interval '90 days', 2592000, true)`,
        [id, userId, generation, salt, seen],
      )
    }
  } finally {
    await pool.end()
    await rm(old, { recursive: true })
  }
  service = await startService({ databaseUrl: database.url })
})
afterAll(async () => {
  await service.close()
  await database.drop()
})

const tokenOf = (session: keyof typeof sessions, generation: number) =>
  refreshTokenOf(service.app, { id: sessions[session].id, salt }, generation)

test.each<[keyof typeof sessions, number]>([
  ['unused', 0],
  ['unseen', 3],
  ['seen', 3],
])('a session of version 0.4 continues with its current token: %s', async (session, generation) => {
  const pair = await refreshed(service, tokenOf(session, generation))
  expect(await stateOf(service, pair.accessToken)).toBe('LIVE')
  await refreshed(service, pair.refreshToken)
})

test('a client of version 0.4 whose last response was lost continues with the previous token', async () => {
  const pair = await refreshed(service, tokenOf('lost', 2))
  expect(await stateOf(service, pair.accessToken)).toBe('LIVE')
})

test('a token with the derived salt is refused for a session with another salt, and changes nothing', async () => {
  const { id } = sessions.unseen
  const before = await service.app.db.session.findUnique({ where: { id } })
  const { generation } = before ?? { generation: -1 }
  const forged = refreshTokenOf(service.app, { id, salt: saltOf(service.app, id) }, generation)
  expect(codes(await refresh(service, forged))).toEqual(['REFRESH_TOKEN_INVALID'])
  expect(await service.app.db.session.findUnique({ where: { id } })).toEqual(before)
})

test('a token that version 0.4 has seen replaced ends its session', async () => {
  expect(codes(await refresh(service, tokenOf('stolen', 2)))).toEqual(['REFRESH_TOKEN_INVALID'])
  expect(codes(await refresh(service, tokenOf('stolen', 3)))).toEqual(['REFRESH_TOKEN_INVALID'])
})

type Tokens = { __typename?: string; accessToken: string; refreshToken: string; session: { id: string } }

test('a program built with the client of version 0.4 does all that it did, where no factor is demanded', async () => {
  let token: string | undefined
  const sent = new Set<string>()
  const send = (name: keyof typeof OF_0_4, input?: object, variables: object = { input }) => {
    sent.add(name)
    return service.send<Record<string, unknown>, object>(OF_0_4[name], variables, { token })
  }
  const ok = async <Data = unknown>(name: keyof typeof OF_0_4, input?: object, variables?: object) => {
    const { data, errors } = await send(name, input, variables)
    expect([name, errors]).toEqual([name, []])
    return data?.[name] as Data
  }
  const email = newAddress()
  await ok('settings', undefined, {})
  await ok('register', { email, password: PASSWORD })
  const signIn = async (password: string) => {
    token = undefined
    const payload = await ok<Tokens>('login', {
      identifier: email,
      password,
      deviceName: 'Old',
      rememberMe: true,
    })
    expect(payload.__typename).toBe('AuthPayload')
    token = payload.accessToken
    return payload
  }
  const first = await signIn(PASSWORD)
  await ok('resendVerificationEmail', { email })
  await ok('verifyEmail', { token: await mailedToken(service, email, 'verify-email') })
  // What was sensitive then asks for the password, and for nothing that the program does not know.
  service.clock.advance(601)
  token = (await ok<Tokens>('refreshToken', { refreshToken: first.refreshToken })).accessToken
  const newEmail = newAddress()
  expect(codes(await send('requestEmailChange', { newEmail }))).toEqual(['REAUTHENTICATION_REQUIRED'])
  await ok('reauthenticate', { password: PASSWORD })
  await ok('requestEmailChange', { newEmail })
  await ok('confirmEmailChange', { token: await mailedToken(service, newEmail, 'confirm-email') })
  await ok('updateProfile', { displayName: 'Ada' })
  const newPassword = 'eighteen copper kettles'
  await ok('changePassword', { currentPassword: PASSWORD, newPassword })
  expect(await ok('me', undefined, {})).toMatchObject({ email: newEmail, displayName: 'Ada' })
  expect((await send('sessions', undefined, {})).errors).toEqual([])
  await ok('revokeOtherSessions', undefined, {})
  await ok('revokeSession', undefined, { id: first.session.id })
  await ok('requestPasswordReset', { email: newEmail })
  const again = { token: await mailedToken(service, newEmail, 'reset-password'), newPassword: PASSWORD }
  await ok('resetPassword', again)
  const signInAgain = async () => {
    token = (await ok<Tokens>('login', { identifier: newEmail, password: PASSWORD })).accessToken
  }
  await signInAgain()
  await ok('logout')
  await signInAgain()
  await ok('revokeAllSessions', undefined, {})
  await signInAgain()
  await ok('deleteAccount', undefined, {})
  expect([...sent].sort()).toEqual(Object.keys(OF_0_4).sort())
})
