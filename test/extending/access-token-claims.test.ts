import { beforeEach, describe, expect, test } from '@jest/globals'
import jwt from 'jsonwebtoken'
import type { ShownAccount } from '../../src/app.ts'
import { newAddress, PASSWORD, signIn, signUp } from '../support/actors.ts'
import { Login, Register } from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import { refreshed, stateOf } from '../support/sessions.ts'

type Claims = Record<string, unknown>
let hook: (account: ShownAccount) => Claims | Promise<Claims>
beforeEach(() => {
  hook = () => ({})
})
const service = useService({ server: { accessTokenClaims: account => hook(account) } })

const claimsOf = (token: string) => jwt.decode(token) as Claims

test('every access token has the claims of the embedding program', async () => {
  hook = ({ id, email, emailVerified, roles, publicMetadata }) => ({
    tenant: `tenant of ${id}`,
    facts: { email, emailVerified, roles, publicMetadata },
  })
  const account = await signUp(service)
  const more = [await signIn(service, account.email), await refreshed(service, account.refreshToken), account]
  for (const { accessToken } of more) {
    expect(claimsOf(accessToken)).toMatchObject({
      sub: account.id,
      tenant: `tenant of ${account.id}`,
      facts: { email: account.email, emailVerified: false, roles: ['user'], publicMetadata: {} },
    })
    expect(await stateOf(service, accessToken)).toBe('LIVE')
  }
})

test('the claims hook can be asynchronous and runs for each token', async () => {
  let count = 0
  hook = async () => {
    await new Promise(resolve => setTimeout(resolve, 5))
    count += 1
    return { count }
  }
  const { accessToken, refreshToken } = await signUp(service)
  expect(claimsOf(accessToken).count).toBe(1)
  expect(claimsOf((await refreshed(service, refreshToken)).accessToken).count).toBe(2)
})

test('the claims hook receives no password hash', async () => {
  let told = ''
  hook = account => {
    told = JSON.stringify(account)
    return {}
  }
  await signUp(service)
  expect(told).not.toContain('argon2')
  expect(told).toContain('"email"')
})

describe('a hook that returns a reserved claim fails, and no token is issued:', () => {
  test.each(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'sid', 'gen'])(
    '%s',
    async name => {
      hook = () => ({ [name]: 'mine' })
      const email = newAddress()
      const reply = await service.send(Register, { input: { email, password: PASSWORD } })
      expect([reply.data, codes(reply)]).toEqual([null, ['INTERNAL_SERVER_ERROR']])
      expect(service.logged.splice(0).join()).toContain(`accessTokenClaims must not set: ${name}`)
    },
  )
})

test('a hook that throws is a fault, and the client receives no details', async () => {
  const { email } = await signUp(service)
  hook = () => Promise.reject(new Error('the tenants are away'))
  const input = { identifier: email, password: PASSWORD }
  const reply = await service.send(Login, { input })
  expect(codes(reply)).toEqual(['INTERNAL_SERVER_ERROR'])
  expect(JSON.stringify(reply.errors)).not.toContain('tenants')
  expect(service.logged.splice(0).join()).toContain('the tenants are away')
})
