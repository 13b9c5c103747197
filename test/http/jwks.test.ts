import { createPublicKey, verify } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { signUp } from '../support/actors.ts'
import { startService, useService } from '../support/service.ts'

const service = useService()

type Jwks = { keys: (Record<string, string> & { kid: string })[] }

const jwks = async (url = service.url): Promise<Jwks> =>
  (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as Jwks

test('the key set has only public EC keys', async () => {
  const { keys } = await jwks()
  expect(keys).toEqual([
    {
      kty: 'EC',
      crv: 'P-256',
      alg: 'ES256',
      use: 'sig',
      kid: expect.stringMatching(/^[\w-]{43}$/),
      x: expect.stringMatching(/^[\w-]{43}$/),
      y: expect.stringMatching(/^[\w-]{43}$/),
    },
  ])
})

test('any page can read the keys, and any cache can keep them for five minutes', async () => {
  const { headers, status } = await fetch(`${service.url}/.well-known/jwks.json`, {
    headers: { origin: 'https://anywhere.example.com' },
  })
  expect(status).toBe(200)
  expect(headers.get('content-type')).toMatch(/^application\/jwk-set\+json\b/)
  expect(headers.get('cache-control')).toBe('public, max-age=300')
  expect(headers.get('access-control-allow-origin')).toBe('*')
})

test('another service can verify an access token with the key set alone', async () => {
  const { accessToken, id } = await signUp(service)
  const [head = '', payload = '', signature = ''] = accessToken.split('.')
  const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string; alg: string }
  const jwk = (await jwks()).keys.find(key => key.kid === kid)
  expect(jwk?.alg).toBe(alg)
  const key = createPublicKey({ key: jwk ?? {}, format: 'jwk' })
  const verifies = (signed: string) =>
    verify(
      'sha256',
      Buffer.from(signed),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
  expect(verifies(`${head}.${payload}`)).toBe(true)
  expect(verifies(`${head}.${payload}x`)).toBe(false)
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ sub: id })
})

test('replicas on one database serve the same keys', async () => {
  const replica = await startService({ databaseUrl: service.app.config.database.url ?? '' })
  expect(await jwks(replica.url)).toEqual(await jwks())
  await replica.close()
})
