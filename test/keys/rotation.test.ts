import { beforeAll, describe, expect, test } from '@jest/globals'
import jwt from 'jsonwebtoken'
import { reloadKeys } from '../../src/keys/reload.ts'
import { type Jwk, signingKeyAt } from '../../src/keys/signing-keys.ts'
import { signIn, signUp, signUpWith } from '../support/actors.ts'
import { build, runCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { eventually } from '../support/eventually.ts'
import { headerOf } from '../support/forge.ts'
import { RotateSigningKey } from '../support/operations.ts'
import { whileHolding } from '../support/race.ts'
import { useReplicas } from '../support/replicas.ts'
import { codes, type Service } from '../support/service.ts'
import { DAY, HOUR, MINUTE, refreshed, stateOf } from '../support/sessions.ts'

/** How long verifiers have to fetch a key before it signs, as docs/production.md says. */
const AHEAD = 7 * MINUTE
/** A replica that cannot reach the database learns of a new key this late, at most. */
const LATE = 2 * MINUTE

const { one, two, database, clock, admin } = useReplicas()

const rotate = (service = one, token: string | undefined = admin.accessToken) =>
  service.send(RotateSigningKey, {}, { token })

async function rotated(service = one) {
  const { data, errors } = await rotate(service)
  expect(errors).toEqual([])
  if (!data) throw new Error('not rotated')
  return data.rotateSigningKey
}

async function published({ url }: Service): Promise<{ keys: Jwk[]; maxAgeSeconds: number }> {
  const response = await fetch(`${url}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: Jwk[] }
  const [, maxAge] = /^public, max-age=(\d+)$/.exec(response.headers.get('cache-control') ?? '') ?? []
  return { keys, maxAgeSeconds: Number(maxAge) }
}

const kidsOf = async (service: Service) => (await published(service)).keys.map(key => key.kid)
const reload = () => Promise.all([reloadKeys(one.app), reloadKeys(two.app)])
const allKeys = () => one.app.db.signingKey.findMany({ orderBy: { activatesAt: 'asc' } })
const signerOf = (service: Service) => signingKeyAt(service.app.keys.signing, clock.now()).kid

/** The name of the key that signs, as a new access token tells it. */
async function kidOfNewToken(service: Service): Promise<unknown> {
  const { accessToken } = await signIn(service, admin.email)
  return headerOf(accessToken).kid
}

describe('a new key', () => {
  test('is published immediately and signs 7 minutes later', async () => {
    const old = signerOf(one)
    const { kid, ...rest } = await rotated()
    expect(rest).toEqual({ algorithm: 'ES256', createdAt: expect.any(String), retiredAt: null })
    expect(kid).not.toBe(old)
    expect(await kidsOf(one)).toEqual([kid, old])
    expect(await kidOfNewToken(one)).toBe(old)
    clock.advance(AHEAD - 10)
    expect(await kidOfNewToken(one)).toBe(old)
    clock.advance(10)
    expect(await kidOfNewToken(one)).toBe(kid)
  })

  test('signs only when every cache has fetched it, also one filled by a replica that learned of it late', async () => {
    const old = signerOf(one)
    const cached = await published(two)
    const { kid } = await rotated()
    await reload()
    clock.advance(LATE + cached.maxAgeSeconds - 1)
    expect(await kidOfNewToken(one)).toBe(old)
    expect(await kidOfNewToken(two)).toBe(old)
    expect(await kidsOf(two)).toEqual([kid, old])
  })

  test('signs on every replica, and others verify what it signs by what is published', async () => {
    const { kid } = await rotated()
    await reload()
    clock.advance(AHEAD)
    const { accessToken } = await signIn(two, admin.email)
    expect(headerOf(accessToken).kid).toBe(kid)
    expect(await stateOf(one, accessToken)).toBe('LIVE')
    const { keys } = await published(one)
    const key = keys.find(jwk => jwk.kid === kid)
    expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
    const publicKey = { key: { ...key }, format: 'jwk' } as const
    const { createPublicKey } = await import('node:crypto')
    expect(
      jwt.verify(accessToken, createPublicKey(publicKey), { algorithms: ['ES256'], ignoreExpiration: true }),
    ).toMatchObject({
      sub: admin.id,
    })
  })

  test('keeps the sessions: they can be refreshed, and their tokens stay valid until they expire', async () => {
    const account = await signUp(one)
    const { kid } = await rotated()
    clock.advance(AHEAD)
    expect(await stateOf(one, account.accessToken)).toBe('LIVE')
    const pair = await refreshed(one, account.refreshToken)
    expect(headerOf(pair.accessToken).kid).toBe(kid)
    expect(await stateOf(one, pair.accessToken)).toBe('LIVE')
    clock.advance(5 * MINUTE)
    expect(await stateOf(one, account.accessToken)).toBe('EXPIRED')
  })
})

describe('the key before', () => {
  test('verifies until the longest token that it signed has expired, and then is gone', async () => {
    const old = signerOf(one)
    const account = await signUp(one)
    const { kid } = await rotated()
    clock.advance(AHEAD - 10)
    // The longest that anybody can ask for, at the last moment.
    const { accessToken } = await refreshed(one, account.refreshToken, { accessTokenTtlSeconds: HOUR })
    expect(headerOf(accessToken).kid).toBe(old)
    clock.advance(HOUR - 60)
    await reload()
    expect(await kidsOf(two)).toEqual([kid, old])
    expect(await stateOf(two, accessToken)).toBe('LIVE')
    clock.advance(120)
    expect(await stateOf(two, accessToken)).toBe('EXPIRED')
    clock.advance(20)
    await reload()
    expect(await kidsOf(one)).toEqual([kid])
    expect(await kidsOf(two)).toEqual([kid])
    expect(await stateOf(two, accessToken)).toBe('INVALID')
    expect(await kidOfNewToken(one)).toBe(kid)
  })

  test('says until when it signs', async () => {
    const old = signerOf(one)
    await rotated()
    const keys = await allKeys()
    expect(keys[0]).toMatchObject({ kid: old, retiredAt: keys[1]?.activatesAt })
  })
})

test('a replica whose clock is behind makes a key that follows the last one', async () => {
  clock.advance(10)
  const first = await rotated(one)
  clock.advance(-10)
  const second = await rotated(two)
  const keys = await allKeys()
  expect(keys.slice(1).map(key => key.kid)).toEqual([first.kid, second.kid])
  expect(keys.map(key => key.retiredAt)).toEqual([keys[1]?.activatesAt, keys[2]?.activatesAt, null])
})

test('two concurrent rotations each create a key, and exactly one key signs at any time', async () => {
  const old = signerOf(one)
  const lock = 'LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE'
  const rotating = await whileHolding(database.url, lock, async waiting => {
    const both = [rotated(one), rotated(two)]
    await waiting(2)
    return { both }
  })
  const made = await Promise.all(rotating.both)
  await reload()
  const keys = await allKeys()
  expect(keys.map(key => key.kid).sort()).toEqual([old, ...made.map(key => key.kid)].sort())
  expect(keys.map(key => key.retiredAt)).toEqual([keys[1]?.activatesAt, keys[2]?.activatesAt, null])
  expect(await kidsOf(one)).toEqual(await kidsOf(two))
  const events = await one.app.db.auditEvent.findMany({ where: { action: 'key.rotated' } })
  expect(events).toHaveLength(2)

  for (const service of [one, two]) {
    const signers = [0, 100, 200, AHEAD + 10, DAY].map(
      seconds => signingKeyAt(service.app.keys.signing, new Date(clock.now().getTime() + seconds * 1000)).kid,
    )
    const last = keys[2]?.kid
    expect(signers).toEqual([old, old, old, last, last])
  }
})

test('a rotation before the last one signs puts its key behind that', async () => {
  const old = signerOf(one)
  const first = await rotated()
  clock.advance(MINUTE)
  const second = await rotated()
  const signers = []
  for (const _ of [0, 1, 2, 3, 4, 5, 6, 7]) {
    signers.push(signerOf(one))
    clock.advance(MINUTE)
  }
  // The first signs for the minute between.
  expect(signers).toEqual([old, old, old, old, old, old, first.kid, second.kid])
  expect(await kidsOf(one)).toEqual([second.kid, first.kid, old])
})

describe('rotateSigningKey', () => {
  test('is only for who may, and makes nothing for others', async () => {
    const [user, support] = [await signUp(one), await signUpWith(one, 'support')]
    expect(codes(await one.send(RotateSigningKey))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await rotate(one, user.accessToken))).toEqual(['FORBIDDEN'])
    expect(codes(await rotate(one, support.accessToken))).toEqual(['FORBIDDEN'])
    expect(await allKeys()).toHaveLength(1)
  })

  test('is on record: who, when and which key, and nothing of the key', async () => {
    const { kid } = await rotated()
    const [event, ...others] = await one.app.db.auditEvent.findMany({ where: { action: 'key.rotated' } })
    expect(others).toEqual([])
    expect(event).toMatchObject({
      actorId: admin.id,
      subjectId: null,
      ipAddress: '127.0.0.1',
      detail: { kid },
    })
  })

  test('does nothing where it cannot be put on record', async () => {
    await one.app.pool.query(`ALTER TABLE audit_events ADD CONSTRAINT refuse CHECK (action <> 'key.rotated')`)
    expect(codes(await rotate())).toEqual(['INTERNAL_SERVER_ERROR'])
    expect(one.logged.splice(0)).toEqual([expect.stringContaining('refuse')])
    expect(await allKeys()).toMatchObject([{ retiredAt: null }])
  })
})

describe('authograph rotate-keys', () => {
  const run = (AUTHOGRAPH_SECRET: string, command = runCliHere) =>
    command(['rotate-keys'], { settings: { DATABASE_URL: database.url, AUTHOGRAPH_SECRET } })

  beforeAll(build, 120_000)

  test('makes a key that running services take over', async () => {
    const old = signerOf(one)
    const { exitCode, stdout, stderr } = await run('a secret that only the tests may know', runCli)
    expect([exitCode, stderr]).toEqual([0, ''])
    const [, kid, at = ''] = /^The key (\S+) is published and starts signing at (\S+)\.\n$/.exec(stdout) ?? []
    expect(Math.abs(Date.parse(at) - Date.now() - AHEAD * 1000)).toBeLessThan(10_000)
    await reload()
    expect(await kidsOf(two)).toEqual([kid, old])
    clock.advance(AHEAD)
    expect(await kidOfNewToken(two)).toBe(kid)
    const events = await one.app.db.auditEvent.findMany({ where: { action: 'key.rotated' } })
    expect(events).toMatchObject([{ actorId: null, ipAddress: null, detail: { kid } }])
  })

  test('under another secret makes nothing and says what to do', async () => {
    const { exitCode, stdout, stderr } = await run('another secret, which is long enough')
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toContain('AUTHOGRAPH_PREVIOUS_SECRETS')
    expect(await allKeys()).toHaveLength(1)
  })
})

describe('a running replica', () => {
  test('publishes a key that another one created within seconds', async () => {
    const { kid } = await rotated(one)
    await eventually(async () => (await kidsOf(two)).includes(kid))
  })

  test('goes on with the keys at hand while it cannot read them, and says so in the log', async () => {
    await two.app.pool.query('ALTER TABLE signing_keys RENAME TO away')
    await eventually(() => one.logged.length > 0 && two.logged.length > 0)
    expect(await kidOfNewToken(two)).toBe(signerOf(one))
    await two.app.pool.query('ALTER TABLE away RENAME TO signing_keys')
    const lines = [one, two].flatMap(service => service.logged.splice(0))
    for (const line of lines) expect(line).toContain('the keys could not be reloaded')
  })
})
