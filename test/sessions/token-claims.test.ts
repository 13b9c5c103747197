import { expect, test } from '@jest/globals'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { newRole, signIn, signUp, signUpVerified, signUpWith } from '../support/actors.ts'
import { claimsOf } from '../support/forge.ts'
import { useService } from '../support/service.ts'
import { refreshed } from '../support/sessions.ts'
import { snippetsIn } from '../support/snippets.ts'

const service = useService({ settings: { TOKEN_CLAIMS: 'permissions,roles,role,email,hasura' } })
const ISSUER = 'http://localhost:4000'
const HASURA = 'https://hasura.io/jwt/claims'

test('access tokens say what TOKEN_CLAIMS lists, from the first one on', async () => {
  const account = await signUp(service)
  expect(claimsOf(account.accessToken)).toMatchObject({
    sub: account.id,
    permissions: [],
    roles: ['user'],
    role: 'user',
    email: account.email,
    email_verified: false,
    [HASURA]: {
      'x-hasura-user-id': account.id,
      'x-hasura-default-role': 'user',
      'x-hasura-allowed-roles': ['user'],
    },
  })
})

test('a role that is granted or taken is in the next token', async () => {
  const account = await signUpVerified(service)
  const role = await newRole(service, 'users:read')
  await service.app.db.userRole.create({ data: { userId: account.id, roleName: role } })
  const { accessToken, refreshToken } = await refreshed(service, account.refreshToken)
  expect(claimsOf(accessToken)).toMatchObject({
    email_verified: true,
    permissions: ['users:read'],
    roles: [role, 'user'],
    role: 'user',
    [HASURA]: { 'x-hasura-default-role': 'user', 'x-hasura-allowed-roles': [role, 'user'] },
  })
  await service.app.db.userRole.deleteMany({ where: { userId: account.id, roleName: role } })
  expect(claimsOf((await refreshed(service, refreshToken)).accessToken)).toMatchObject({
    permissions: [],
    roles: ['user'],
  })
})

test('no token names a role that the account does not have', async () => {
  const role = await newRole(service)
  const account = await signUpWith(service, role)
  await service.app.db.userRole.deleteMany({ where: { userId: account.id, roleName: 'user' } })
  expect(claimsOf((await signIn(service, account.email)).accessToken)).toMatchObject({
    role,
    [HASURA]: { 'x-hasura-default-role': role, 'x-hasura-allowed-roles': [role] },
  })
  await service.app.db.userRole.deleteMany({ where: { userId: account.id } })
  const claims = claimsOf((await signIn(service, account.email)).accessToken)
  expect(claims).toMatchObject({ roles: [], permissions: [] })
  expect([claims.role, claims[HASURA]]).toEqual([undefined, undefined])
})

/**
 * What Hasura makes of a token, by its documentation (“JWT Authentication”): it verifies the signature with the keys of
 * `jwk_url`, `issuer`, `audience` and the expiry, and requires the namespace of claims. `x-hasura-default-role` is in
 * `x-hasura-allowed-roles`, which `X-Hasura-Role` chooses from. All other values are texts.
 */
async function asHasura(token: string, wantedRole?: string): Promise<Record<string, string> | string> {
  const [snippet] = snippetsIn('sh').filter(({ text }) => text.includes('HASURA_GRAPHQL_JWT_SECRET'))
  const secret = /='(\{.*\})'/.exec(snippet?.text ?? '')?.[1]?.replaceAll('https://auth.example.com', ISSUER)
  const { jwk_url, issuer, audience, allowed_skew } = JSON.parse(secret ?? '') as Record<string, string>
  expect([jwk_url, issuer]).toEqual([`${ISSUER}/.well-known/jwks.json`, ISSUER])
  const keys = (await (await fetch(`${service.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet
  // Hasura picks the key by its ID, and its algorithm from the key.
  for (const key of keys.keys) expect([key.kid, key.alg]).toEqual([expect.any(String), 'ES256'])
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    issuer: String(issuer),
    audience: String(audience),
    clockTolerance: Number(allowed_skew),
    currentDate: service.clock.now(),
  })
  const claims = payload[HASURA] as Record<string, unknown> | undefined
  if (!claims) return 'jwt-missing-role-claims'
  const { 'x-hasura-allowed-roles': allowed, 'x-hasura-default-role': initial, ...variables } = claims
  if (!Array.isArray(allowed) || typeof initial !== 'string' || !allowed.includes(initial))
    return 'jwt-invalid-claims'
  if (!Object.values(variables).every(value => typeof value === 'string')) return 'jwt-invalid-claims'
  const role = wantedRole ?? initial
  return allowed.includes(role)
    ? { ...(variables as Record<string, string>), 'x-hasura-role': role }
    : 'access-denied'
}

test('Hasura, with the configuration in the docs, finds the user and their roles, and refuses roles they lack', async () => {
  const role = await newRole(service)
  const account = await signUpWith(service, role)
  const { accessToken } = await signIn(service, account.email)
  const user = { 'x-hasura-user-id': account.id }
  expect(await asHasura(accessToken)).toEqual({ ...user, 'x-hasura-role': 'user' })
  expect(await asHasura(accessToken, role)).toEqual({ ...user, 'x-hasura-role': role })
  expect(await asHasura(accessToken, 'admin')).toBe('access-denied')
  await service.app.db.userRole.deleteMany({ where: { userId: account.id } })
  expect(await asHasura((await signIn(service, account.email)).accessToken)).toBe('jwt-missing-role-claims')
})

test('a session that is too weak for a role of its account has no role and no permission in its tokens', async () => {
  const role = await newRole(service, 'users:read')
  const account = await signUpWith(service, role)
  const before = await signIn(service, account.email)
  expect(claimsOf(before.accessToken)).toMatchObject({ permissions: ['users:read'], roles: [role, 'user'] })
  const data = { secondFactorRequiredFrom: service.clock.now() }
  await service.app.db.role.update({ where: { name: role }, data })
  const weak = await refreshed(service, before.refreshToken)
  expect(claimsOf(weak.accessToken)).toMatchObject({
    sub: account.id,
    permissions: [],
    roles: [],
    acr: '1fa',
  })
  expect(claimsOf(weak.accessToken)).not.toHaveProperty(HASURA)
  const strong = { where: { id: before.sessionId }, data: { totpAt: service.clock.now() } }
  await service.app.db.session.update(strong)
  expect(claimsOf((await refreshed(service, weak.refreshToken)).accessToken)).toMatchObject({
    permissions: ['users:read'],
    roles: [role, 'user'],
    acr: 'mfa',
  })
})

test('a claim that does not exist is refused at start', () => {
  expect(() => loadConfig({ TOKEN_CLAIMS: 'permissions,password' })).toThrow(ConfigError)
  expect(loadConfig({}).tokens.claims).toEqual([])
})
