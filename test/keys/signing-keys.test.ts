import { afterEach, describe, expect, test } from '@jest/globals'
import { SERVER_KEYS } from '../../src/keys/server-key.ts'
import { jwksOf, signingKeyAt } from '../../src/keys/signing-keys.ts'
import { signUp } from '../support/actors.ts'
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'
import { whileHolding } from '../support/race.ts'
import { codes, type Service, type ServiceOptions, startService } from '../support/service.ts'
import { expectDead, refresh, refreshed, stateOf } from '../support/sessions.ts'

const SECRETS = ['the first secret, which is long enough', 'another secret, which is long enough']

// What a test started, the first first.
const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function start(options: ServiceOptions = {}): Promise<Service> {
  const service = await startService(options)
  opened.push(service)
  return service
}

async function keep(database: Promise<TestDatabase>): Promise<string> {
  const { url, drop } = await database
  opened.push({ close: drop })
  return url
}

const keysOf = ({ app: { keys, clock } }: Service) => ({
  kid: signingKeyAt(keys.signing, clock.now()).kid,
  jwks: jwksOf(keys.signing),
  refreshToken: keys.refreshToken?.toString('hex'),
})

const getJwks = ({ url }: Service) => fetch(`${url}/.well-known/jwks.json`)

describe('the first start', () => {
  test('makes the keys and keeps them sealed', async () => {
    const { app } = await start()
    const { rows } = await app.pool.query<{ dump: string }>(
      `SELECT (SELECT string_agg(to_jsonb(k)::text, '') FROM signing_keys k)
           || (SELECT string_agg(to_jsonb(k)::text, '') FROM server_keys k) AS dump`,
    )
    const dump = rows[0]?.dump ?? ''
    const { kid, privateKey } = signingKeyAt(app.keys.signing, app.clock.now())
    expect(dump).toContain(kid)
    const { d } = privateKey.export({ format: 'jwk' })
    const secrets = [
      Buffer.from(d ?? '', 'base64url'),
      privateKey.export({ format: 'der', type: 'pkcs8' }),
      app.keys.refreshToken ?? Buffer.alloc(0),
    ]
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThanOrEqual(32)
      for (const encoding of ['base64url', 'base64', 'hex'] as const)
        expect(dump).not.toContain(secret.toString(encoding))
    }
  })

  test('makes other keys for another database, so that neither takes the other’s tokens', async () => {
    const [one, two] = [await start(), await start()]
    const account = await signUp(one)
    expect(keysOf(two).kid).not.toBe(keysOf(one).kid)
    expect(keysOf(two).refreshToken).not.toBe(keysOf(one).refreshToken)
    expect(await stateOf(two, account.accessToken)).toBe('INVALID')
    expect(codes(await refresh(two, account.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('of services that start at the same time on one empty database creates one set of keys', async () => {
    const databaseUrl = await keep(createEmptyDatabase())
    await expectAgreement(await Promise.all(four.map(() => start({ databaseUrl }))))
  })

  test('makes one set of keys also when all have found none and make their own', async () => {
    const databaseUrl = await keep(createDatabase())
    const lock = 'LOCK TABLE signing_keys, server_keys IN EXCLUSIVE MODE'
    const starting = await whileHolding(databaseUrl, lock, async waiting => {
      const keysOfEach = 1 + Object.keys(SERVER_KEYS).length
      // A connection for each statement that waits.
      const settings = { DATABASE_POOL_SIZE: String(keysOfEach) }
      const all = four.map(() => start({ databaseUrl, settings }))
      await waiting(keysOfEach * four.length)
      return { all }
    })
    await expectAgreement(await Promise.all(starting.all))
  })
})

const four = [1, 2, 3, 4]

async function expectAgreement(services: Service[]): Promise<void> {
  const [first, ...others] = services.map(keysOf)
  for (const other of others) expect(other).toEqual(first)
  expect(first?.jwks.keys).toHaveLength(1)
  const [one, two] = services as [Service, Service]
  const account = await signUp(one)
  expect(await stateOf(two, account.accessToken)).toBe('LIVE')
  await refreshed(two, account.refreshToken)
}

describe('a further start', () => {
  test('finds the keys, and tokens from before stay good', async () => {
    const databaseUrl = await keep(createDatabase())
    const before = await startService({ databaseUrl })
    const account = await signUp(before)
    const keys = keysOf(before)
    await before.close()
    const after = await start({ databaseUrl })
    expect(keysOf(after)).toEqual(keys)
    expect(await stateOf(after, account.accessToken)).toBe('LIVE')
    await refreshed(after, account.refreshToken)
  })

  test('under another secret fails, says what to do, tells no secret, and harms nothing', async () => {
    const databaseUrl = await keep(createDatabase())
    const [AUTHOGRAPH_SECRET = '', wrong = ''] = SECRETS
    const before = await start({ databaseUrl, settings: { AUTHOGRAPH_SECRET } })
    const failure = await start({ databaseUrl, settings: { AUTHOGRAPH_SECRET: wrong } }).catch(String)
    expect(failure).toMatch(/sealed under another secret.*AUTHOGRAPH_SECRET/)
    expect(failure).not.toContain(wrong)
    expect(keysOf(await start({ databaseUrl, settings: { AUTHOGRAPH_SECRET } }))).toEqual(keysOf(before))
  })

  test('on keys that were tampered with fails', async () => {
    const databaseUrl = await keep(createDatabase())
    const { app } = await start({ databaseUrl })
    const { kid, sealedPrivate } = await app.db.signingKey.findFirstOrThrow()
    const [version, id, data = ''] = sealedPrivate.split('.')
    const bytes = Buffer.from(data, 'base64url')
    bytes[40]! ^= 1
    const tampered = `${version}.${id}.${bytes.toString('base64url')}`
    await app.db.signingKey.update({ where: { kid }, data: { sealedPrivate: tampered } })
    await expect(start({ databaseUrl })).rejects.toThrow()
  })

  test('on the keys of one purpose under another’s name fails', async () => {
    const databaseUrl = await keep(createDatabase())
    const { app } = await start({ databaseUrl })
    const { sealedPrivate } = await app.db.signingKey.findFirstOrThrow()
    await app.db.serverKey.updateMany({ data: { sealed: sealedPrivate } })
    await expect(start({ databaseUrl })).rejects.toThrow()
  })
})

test('two keys cannot both be current', async () => {
  const { app } = await start()
  const { publicJwk, ...key } = await app.db.signingKey.findFirstOrThrow()
  const another = { ...key, kid: 'another', publicJwk: { ...(publicJwk as object) } }
  await expect(app.db.signingKey.create({ data: another })).rejects.toThrow(/[Uu]nique/)
})

test('revoking a session on one service immediately invalidates its tokens on a replica', async () => {
  const databaseUrl = await keep(createDatabase())
  const [one, two] = [await start({ databaseUrl }), await start({ databaseUrl })]
  const account = await signUp(one)
  expect(await stateOf(two, account.accessToken)).toBe('LIVE')
  await one.send('mutation { logout }', {}, { token: account.accessToken })
  await expectDead(two, account)
})

describe('/.well-known/jwks.json', () => {
  test('has the public half of the key and nothing of the private one', async () => {
    const service = await start()
    const { keys } = (await (await getJwks(service)).json()) as { keys: object[] }
    expect(keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.stringMatching(/^[\w-]{43}$/),
        y: expect.stringMatching(/^[\w-]{43}$/),
        kid: keysOf(service).kid,
        alg: 'ES256',
        use: 'sig',
      },
    ])
  })

  test('can be cached by anyone for some minutes and read from every origin', async () => {
    const { status, headers } = await getJwks(await start())
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^application\/jwk-set\+json/)
    expect(headers.get('cache-control')).toBe('public, max-age=300')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.getSetCookie()).toEqual([])
  })

  test('names a key by its thumbprint (RFC 7638)', async () => {
    const service = await start()
    const [jwk] = keysOf(service).jwks.keys
    const canonical = `{"crv":"P-256","kty":"EC","x":"${jwk?.x}","y":"${jwk?.y}"}`
    const digest = await crypto.subtle.digest('SHA-256', Buffer.from(canonical))
    expect(jwk?.kid).toBe(Buffer.from(digest).toString('base64url'))
  })
})
