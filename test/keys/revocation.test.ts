import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { App } from '../../src/app.ts'
import { signingKeyAt } from '../../src/keys/signing-keys.ts'
import { refreshTokenOf } from '../../src/sessions/refresh-token.ts'
import { PASSWORD, signIn, signUp, signUpWith } from '../support/actors.ts'
import { build, runCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { eventually } from '../support/eventually.ts'
import { forge, headerOf } from '../support/forge.ts'
import { Login, RotateSigningKey } from '../support/operations.ts'
import { whileHolding } from '../support/race.ts'
import { useReplicas } from '../support/replicas.ts'
import { codes, type Service, startService } from '../support/service.ts'
import { MINUTE, refresh, refreshed, stateOf } from '../support/sessions.ts'

const SECRET = 'a secret that only the tests may know'

const { one, two, database, clock, admin } = useReplicas()

const revoke = (service: Service, token?: string) =>
  service.send(RotateSigningKey, { revoke: true }, { token })

async function revoked(service = one, token = admin.accessToken): Promise<string> {
  const { data, errors } = await revoke(service, token)
  expect(errors).toEqual([])
  return data?.rotateSigningKey.kid ?? ''
}

async function kidsOf({ url }: Service): Promise<string[]> {
  const response = await fetch(`${url}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

const hasOnly = (service: Service, kid: string) => async () => (await kidsOf(service)).join() === kid
const rotated = async () =>
  (await one.send(RotateSigningKey, {}, { token: admin.accessToken })).data?.rotateSigningKey.kid
const signerOf = ({ app }: Service) => signingKeyAt(app.keys.signing, clock.now()).kid
const events = (action: string) => one.app.db.auditEvent.findMany({ where: { action } })

describe('a signing key that is revoked', () => {
  test('no longer counts on any replica after a few seconds, even for tokens accepted before', async () => {
    const victim = await signUp(two)
    // What a thief of the private key can make: a token for a live session, valid for a day.
    const exp = Math.floor(clock.now().getTime() / 1000) + 86_400
    const forged = forge(one, victim.accessToken, { claims: { jti: randomUUID(), exp } })
    expect(await stateOf(one, forged)).toBe('LIVE')
    expect(await stateOf(two, forged)).toBe('LIVE')

    const kid = await revoked()
    expect(await stateOf(one, forged)).toBe('INVALID')
    await eventually(async () => (await stateOf(two, forged)) === 'INVALID')
    expect(await kidsOf(one)).toEqual([kid])
    expect(await kidsOf(two)).toEqual([kid])
  })

  test('is deleted with its private key, from the database and from memory', async () => {
    const old = signerOf(one)
    const kid = await revoked()
    await eventually(hasOnly(two, kid))
    for (const { app } of [one, two]) expect(app.keys.signing.map(key => key.kid)).toEqual([kid])
    const rows = await one.app.pool.query<{ dump: string }>(
      'SELECT to_jsonb(k)::text AS dump FROM signing_keys k',
    )
    expect(rows.rows.map(({ dump }) => dump).join()).not.toContain(old)
  })

  test('is replaced by a key that signs immediately on every replica, and still does after 7 minutes', async () => {
    const kid = await revoked()
    expect(headerOf((await signIn(one, admin.email)).accessToken).kid).toBe(kid)
    await eventually(hasOnly(two, kid))
    const { accessToken } = await signIn(two, admin.email)
    expect(headerOf(accessToken).kid).toBe(kid)
    expect(await stateOf(one, accessToken)).toBe('LIVE')
    clock.advance(7 * MINUTE)
    expect(await stateOf(two, accessToken)).toBe('LIVE')
    expect(headerOf((await signIn(two, admin.email)).accessToken).kid).toBe(kid)
  })

  test('ends no session: each continues with its refresh token', async () => {
    const account = await signUp(two)
    await revoked()
    const pair = await refreshed(one, account.refreshToken)
    expect(await stateOf(one, pair.accessToken)).toBe('LIVE')
  })

  test('is revoked together with retired and future keys, because they may have leaked together', async () => {
    const first = signerOf(one)
    const second = await rotated()
    clock.advance(7 * MINUTE)
    const third = await rotated()
    expect((await kidsOf(one)).sort()).toEqual([first, second, third].sort())
    const kid = await revoked()
    expect(await kidsOf(one)).toEqual([kid])
    await eventually(hasOnly(two, kid))
  })

  test('is recorded with the actor and the IDs of all keys', async () => {
    const old = signerOf(one)
    const kid = await revoked()
    expect(await events('key.revoked')).toMatchObject([
      { actorId: admin.id, ipAddress: '127.0.0.1', detail: { kid, revoked: [old] } },
    ])
  })

  test('stays in use if the revocation cannot be recorded', async () => {
    const old = signerOf(one)
    await one.app.pool.query(`ALTER TABLE audit_events ADD CONSTRAINT refuse CHECK (action <> 'key.revoked')`)
    const reply = await revoke(one, admin.accessToken)
    expect(codes(reply)).toEqual(['INTERNAL_SERVER_ERROR'])
    expect(one.logged.splice(0)).toEqual([expect.stringContaining('refuse')])
    expect(await kidsOf(one)).toEqual([old])
    expect(await stateOf(one, admin.accessToken)).toBe('LIVE')
  })

  test('can only be revoked by an account with the permission keys:write', async () => {
    const old = signerOf(one)
    const [user, support] = [await signUp(one), await signUpWith(one, 'support')]
    expect(codes(await revoke(one))).toEqual(['UNAUTHENTICATED'])
    for (const { accessToken: token } of [user, support]) {
      expect(codes(await revoke(one, token))).toEqual(['FORBIDDEN'])
    }
    expect(await kidsOf(one)).toEqual([old])
  })
})

test('of two revocations at the same time one key is left, and every replica signs with it', async () => {
  const lock = 'LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE'
  const { both } = await whileHolding(database.url, lock, async waiting => {
    const both = [revoked(one), revoked(two)]
    await waiting(2)
    return { both }
  })
  const made = await Promise.all(both)
  const left = await one.app.db.signingKey.findMany()
  expect(left).toHaveLength(1)
  const kid = left[0]?.kid ?? ''
  expect(made).toContain(kid)
  for (const service of [one, two]) {
    await eventually(hasOnly(service, kid))
    expect(headerOf((await signIn(service, admin.email)).accessToken).kid).toBe(kid)
  }
})

test('a replica under an older secret, which cannot open the new key, drops the revoked one and issues nothing', async () => {
  const settings = {
    AUTHOGRAPH_SECRET: 'a newer secret that is long enough',
    AUTHOGRAPH_PREVIOUS_SECRETS: SECRET,
  }
  const newer = await startService({ databaseUrl: database.url, clock, settings })
  try {
    await revoked(newer)
    await eventually(async () => (await kidsOf(one)).length === 0 && (await kidsOf(two)).length === 0)
    expect(await stateOf(one, admin.accessToken)).toBe('INVALID')
    const reply = await one.send(Login, { input: { identifier: admin.email, password: PASSWORD } })
    expect(codes(reply)).toEqual(['SERVICE_UNAVAILABLE'])
    await signIn(newer, admin.email)
  } finally {
    await newer.close()
  }
  const lines = [one, two].flatMap(service => service.logged.splice(0))
  expect(lines.filter(line => line.includes('the keys could not be reloaded')).length).toBeGreaterThanOrEqual(
    2,
  )
})

describe('authograph rotate-keys', () => {
  beforeAll(build, 120_000)
  const run = (args: string[], command = runCliHere) =>
    command(['rotate-keys', ...args], { settings: { DATABASE_URL: database.url, AUTHOGRAPH_SECRET: SECRET } })

  test('--revoke ends every other key on the replicas that run', async () => {
    const old = signerOf(one)
    const { exitCode, stdout, stderr } = await run(['--revoke'], runCli)
    expect([exitCode, stderr]).toEqual([0, ''])
    const [, kid = ''] = /^The key (\S+) is now signing\. Revoked keys: (\S+)\.\n/.exec(stdout) ?? []
    expect(stdout).toContain(`Revoked keys: ${old}.`)
    for (const service of [one, two]) await eventually(hasOnly(service, kid))
    expect(await stateOf(two, admin.accessToken)).toBe('INVALID')
    await refreshed(two, admin.refreshToken)
    expect(await events('key.revoked')).toMatchObject([{ actorId: null, detail: { kid, revoked: [old] } }])
  })

  test('--end-all-sessions ends both halves of every token, also those computed with the stolen key', async () => {
    const account = await signUp(two)
    const stolen = one.app.keys.refreshToken
    const { exitCode, stdout, stderr } = await run(['--end-all-sessions', '--json'])
    expect([exitCode, stderr]).toEqual([0, ''])
    const { kid, endedSessions } = JSON.parse(stdout) as { kid: string; endedSessions: number }
    expect(endedSessions).toBe(2)
    for (const service of [one, two]) {
      await eventually(hasOnly(service, kid))
      expect(service.app.keys.refreshToken).not.toEqual(stolen)
      for (const { accessToken, refreshToken } of [account, admin]) {
        expect(await stateOf(service, accessToken)).toBe('INVALID')
        expect(codes(await refresh(service, refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
      }
    }
    expect(await one.app.db.session.count({ where: { revokedAt: null } })).toBe(0)
    expect(await events('key.refresh_replaced')).toMatchObject([{ actorId: null }])

    const back = await signIn(one, account.email)
    const session = await one.app.db.session.findUniqueOrThrow({ where: { id: back.sessionId } })
    const forged = refreshTokenOf({ keys: { refreshToken: stolen } } as App, session, 0)
    expect(codes(await refresh(one, forged))).toEqual(['REFRESH_TOKEN_INVALID'])
    const pair = await refreshed(two, back.refreshToken)
    expect(await stateOf(one, pair.accessToken)).toBe('LIVE')
  })
})
