import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { errorTable } from '../../src/errors.ts'
import { AuthError, requireStepUp, type VerifierOptions } from '../../src/verify/index.ts'
import { as, newRole, type SignedIn, signIn, signUp, signUpAdmin, signUpWith } from '../support/actors.ts'
import { claimsOf, encode, forge, headerOf, type Json, signed } from '../support/forge.ts'
import { useService } from '../support/service.ts'
import { AUDIENCE, ISSUER, verdict as verdictOf, verifierOf } from './support.ts'

const service = useService({
  settings: { TOKEN_ISSUER: ISSUER, TOKEN_AUDIENCE: AUDIENCE, TOKEN_CLAIMS: 'permissions' },
})

const newVerifier = (options: Partial<VerifierOptions> = {}) => verifierOf(service, options)
let verifier: ReturnType<typeof newVerifier>
let account: SignedIn
beforeAll(async () => {
  verifier = newVerifier()
  account = await signUp(service)
})

const verdict = (token: string, by = verifier) => verdictOf(by.verify(token))
const verdictOn = (change: { header?: Json; claims?: Json }) =>
  verdict(forge(service, account.accessToken, change))
const now = () => Math.floor(service.clock.now().getTime() / 1000)

describe('the verifier accepts', () => {
  test('a token of the server, and tells who holds it', async () => {
    const role = await newRole(service, 'users:read')
    const reader = await signUpWith(service, role)
    const { accessToken } = await signIn(service, reader.email)
    expect(await verifier.verify(accessToken)).toEqual({
      userId: reader.id,
      sessionId: claimsOf(accessToken).sid,
      permissions: ['users:read'],
      actorId: undefined,
      claims: claimsOf(accessToken),
    })
  })

  test('a token of an administrator who acts as the user, and names both', async () => {
    const admin = await signUpAdmin(service)
    const { data } = await service.send<{ impersonateUser: { accessToken: string } }, object>(
      'mutation ($id: ID!) { impersonateUser(id: $id, reason: "Ticket 4711") { accessToken } }',
      { id: account.id },
      as(admin),
    )
    const identity = await verifier.verify(data?.impersonateUser.accessToken ?? '')
    expect([identity.userId, identity.actorId]).toEqual([account.id, admin.id])
    expect(() => requireStepUp(identity, { strength: 'SINGLE' })).toThrow('Confirm')
  })

  test('an issuer written with a slash at the end', async () => {
    expect(await verdict(account.accessToken, newVerifier({ issuer: `${ISSUER}/` }))).toBe('VALID')
  })

  test('a token up to 60 seconds after its expiry and before its issuance, as the server does', async () => {
    expect(await verdictOn({ claims: { exp: now() - 50 } })).toBe('VALID')
    expect(await verdictOn({ claims: { exp: now() - 61 } })).toBe('EXPIRED')
    expect(await verdictOn({ claims: { iat: now() + 50 } })).toBe('VALID')
    expect(await verdictOn({ claims: { iat: now() + 70 } })).toBe('INVALID')
  })
})

describe('the verifier refuses', () => {
  test('text that is no token', async () => {
    for (const text of ['', 'a', 'a.b', 'a.b.c', '..', `${account.accessToken}.`, `${account.accessToken}x`])
      expect([text, await verdict(text)]).toEqual([text, 'INVALID'])
  })

  test('a token that was changed after signing', async () => {
    const [header, , signature] = account.accessToken.split('.')
    const claims = encode({ ...claimsOf(account.accessToken), sub: randomUUID() })
    expect(await verdict(`${header}.${claims}.${signature}`)).toBe('INVALID')
  })

  test('a token without a signature, or signed with the public key as a secret', async () => {
    const [, claims] = account.accessToken.split('.')
    const { kid } = headerOf(account.accessToken)
    expect(await verdict(`${encode({ alg: 'none', typ: 'at+jwt', kid })}.${claims}.`)).toBe('INVALID')
    expect(await verdict(`${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${claims}.AAAA`)).toBe('INVALID')
  })

  test('a token signed with another key, also if it brings that key', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = publicKey.export({ format: 'jwk' })
    for (const added of [{}, { jwk, jku: 'https://evil.example' }]) {
      const header = encode({ ...headerOf(account.accessToken), ...added })
      const input = `${header}.${account.accessToken.split('.')[1]}`
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      expect(await verdict(`${input}.${signature.toString('base64url')}`)).toBe('INVALID')
    }
  })

  const headers = {
    typ: ['JWT', undefined, 'secevent+jwt'],
    kid: [undefined, 'another'],
    alg: ['ES384'],
    crit: [['exp']],
  }
  const claims = {
    iss: ['https://evil.example', undefined],
    aud: ['another', undefined],
    sub: [undefined, 7],
    sid: [undefined],
    exp: [undefined, 'tomorrow'],
    iat: [undefined, 'yesterday'],
  }
  const changes = (members: object) =>
    Object.entries(members).flatMap(([name, values]: [string, unknown[]]) =>
      values.map(value => ({ [name]: value })),
    )
  test.each([
    ...changes(headers).map(header => ({ header })),
    ...changes(claims).map(claims => ({ claims })),
  ])('another header, or other claims: %p', async change => {
    expect(await verdictOn(change)).toBe('INVALID')
  })

  test('claims that are no object', async () => {
    expect(await verdict(signed(service, headerOf(account.accessToken), '[]'))).toBe('INVALID')
    expect(await verdict(signed(service, headerOf(account.accessToken), 'text'))).toBe('INVALID')
  })
})

test('permissions that are no list of names grant nothing', async () => {
  for (const permissions of ['notes:read', { 'notes:read': true }, [7, null], undefined]) {
    const token = forge(service, account.accessToken, { claims: { permissions } })
    expect((await verifier.verify(token)).permissions).toEqual([])
  }
})

test('the refusals of the server and of the verifier have the same text', async () => {
  for (const code of ['UNAUTHENTICATED', 'FORBIDDEN', 'STEP_UP_REQUIRED', 'SERVICE_UNAVAILABLE'] as const)
    expect(new AuthError(code).message).toBe(errorTable[code].message)
  const { errors } = await service.send('{ me { id } }', {}, as({ accessToken: 'x' }))
  const refusal = await verifier.verify('x').catch((error: unknown) => error)
  expect(errors[0]?.extensions).toEqual((refusal as AuthError).extensions)
})

test.each([
  [{ audience: '' }, /audience/],
  [{ audience: undefined as unknown as string }, /audience/],
  [{ issuer: 'auth.example.com' }, /issuer/],
  [{ issuer: undefined as unknown as string }, /issuer/],
])('a verifier without what it compares with is not created: %j', (options, problem) => {
  expect(() => newVerifier(options)).toThrow(problem)
})

describe('with a cache of verified tokens', () => {
  test('a token is refused once it expires', async () => {
    const cached = newVerifier({ cachedTokens: 10 })
    const { accessToken } = await signIn(service, account.email)
    expect(await cached.verify(accessToken)).toBe(await cached.verify(accessToken))
    service.clock.advance(661)
    expect(await verdict(accessToken, cached)).toBe('EXPIRED')
  })

  test('the oldest token makes room, and is verified again', async () => {
    const cached = newVerifier({ cachedTokens: 2 })
    const tokens = await Promise.all([1, 2, 3].map(() => signIn(service, account.email)))
    const [first, second, third] = tokens.map(({ accessToken }) => accessToken) as [string, string, string]
    const before = [await cached.verify(first), await cached.verify(second), await cached.verify(third)]
    expect(await cached.verify(third)).toBe(before[2])
    expect(await cached.verify(second)).toBe(before[1])
    const again = await cached.verify(first)
    expect(again).not.toBe(before[0])
    expect(again).toEqual(before[0])
  })

  test('no request can change what the next one sees', async () => {
    const cached = newVerifier({ cachedTokens: 2 })
    const { accessToken } = await signIn(service, account.email)
    const identity = await cached.verify(accessToken)
    expect(() => (identity.permissions as string[]).push('users:delete')).toThrow(TypeError)
    expect(() => Object.assign(identity, { userId: 'other' })).toThrow(TypeError)
    expect(() => Object.assign(identity.claims, { sub: 'other' })).toThrow(TypeError)
  })

  test('a token that was refused is not kept', async () => {
    const cached = newVerifier({ cachedTokens: 2 })
    const early = forge(service, account.accessToken, {
      claims: { iat: now() + 100, exp: now() + 700 },
    })
    expect(await verdict(early, cached)).toBe('INVALID')
    service.clock.advance(60)
    expect(await verdict(early, cached)).toBe('VALID')
  })
})
