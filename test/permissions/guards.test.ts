import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { PASSWORD, signUp } from '../support/actors.ts'
import {
  ChangePassword,
  DeleteAccount,
  ExportAccount,
  Logout,
  Me,
  Reauthenticate,
  RequestEmailChange,
  Roles,
  SetUserRoles,
  UpdateProfile,
  UserById,
} from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'

const service = useService()

const ID = '00000000-0000-7000-8000-000000000000'

const guarded: [name: string, document: DocumentNode, variables: Record<string, unknown>][] = [
  ['me', Me, {}],
  ['user', UserById, { id: ID }],
  ['roles', Roles, {}],
  ['updateProfile', UpdateProfile, { input: { displayName: 'Eve' } }],
  [
    'changePassword',
    ChangePassword,
    { input: { currentPassword: PASSWORD, newPassword: 'a new pass of words' } },
  ],
  ['reauthenticate', Reauthenticate, { input: { password: PASSWORD } }],
  ['requestEmailChange', RequestEmailChange, { input: { newEmail: 'ada@example.com' } }],
  ['deleteAccount', DeleteAccount, {}],
  ['exportAccount', ExportAccount, {}],
  ['setUserRoles', SetUserRoles, { id: ID, roles: ['admin'] }],
]

describe.each(guarded)('%s', (name, document, variables) => {
  const reasonOf = async (sending: { token?: string; headers?: Record<string, string> }) => {
    const reply = await service.send(document, variables, sending)
    expect(codes(reply)).toEqual(['UNAUTHENTICATED'])
    expect(reply.errors[0]?.path).toEqual([name])
    expect([null, { [name]: null }]).toContainEqual(reply.data)
    return reply.errors[0]?.extensions.reason
  }

  test('requires a valid access token of a live session, and states why a token is refused', async () => {
    const { accessToken, refreshToken } = await signUp(service)
    const [header, claims, signature] = accessToken.split('.')
    expect(await reasonOf({})).toBe('MISSING')
    for (const token of [
      'stale',
      refreshToken,
      `${header}.${claims}.`,
      `${header}.${claims}.A${signature}`,
    ]) {
      expect(await reasonOf({ token })).toBe('INVALID')
    }
    for (const authorization of [
      '',
      'Bearer',
      accessToken,
      `Basic ${accessToken}`,
      `Bearer ${accessToken} x`,
    ]) {
      expect(await reasonOf({ headers: { authorization } })).toBe('INVALID')
    }
    service.clock.advance(service.app.config.tokens.accessTtlSeconds + 120)
    expect(await reasonOf({ token: accessToken })).toBe('EXPIRED')
  })

  test('refuses the token of a session that has signed out', async () => {
    const { accessToken: token } = await signUp(service)
    await service.send(Logout, {}, { token })
    expect(await reasonOf({ token })).toBe('REVOKED')
  })

  test('refuses the token of a deleted account', async () => {
    const { id, accessToken: token } = await signUp(service)
    await service.app.db.user.delete({ where: { id } })
    expect(await reasonOf({ token })).toBe('REVOKED')
  })
})

test('the scheme Bearer is case-insensitive', async () => {
  const { id, accessToken } = await signUp(service)
  const { data } = await service.send(Me, {}, { headers: { authorization: `bEARER  ${accessToken} ` } })
  expect(data?.me?.id).toBe(id)
})
