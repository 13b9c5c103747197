import { expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { PASSWORD, signIn, signUp } from '../support/actors.ts'
import { actionsOf } from '../support/audit.ts'
import { Logout, MySessions, Reauthenticate } from '../support/operations.ts'
import { whileProving } from '../support/proving.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'

const service = useService()

const reauthenticate = (token: string | undefined, password: unknown = PASSWORD) =>
  service.send(Reauthenticate as DocumentNode, { input: { password } }, { token })

const provedAt = async (token: string) => {
  const { data } = await service.send(MySessions, {}, { token })
  return data?.me?.sessions.map(({ current, authenticatedAt }) => ({ current, authenticatedAt }))
}

test('confirming the password updates authenticatedAt of this session only, and is recorded', async () => {
  const other = await signUp(service)
  const session = await signIn(service, other.email)
  const before = await provedAt(other.accessToken)
  service.clock.advance(300)
  const { data, errors } = await service.send(
    Reauthenticate,
    { input: { password: PASSWORD } },
    { token: session.accessToken },
  )
  expect(errors).toEqual([])
  expect(data?.reauthenticate).toMatchObject({ id: session.sessionId, current: true })
  const authenticatedAt = data?.reauthenticate.authenticatedAt ?? ''
  expect(Math.abs(Date.parse(authenticatedAt) - service.clock.now().getTime())).toBeLessThan(60_000)
  expect(await provedAt(session.accessToken)).toEqual(
    expect.arrayContaining([
      { current: true, authenticatedAt },
      { current: false, authenticatedAt: before?.find(({ current }) => current)?.authenticatedAt },
    ]),
  )
  expect((await actionsOf(service, session.id)).at(-1)).toBe('session.reauthenticated')
})

test('a wrong password changes nothing, leaves the session live and is recorded', async () => {
  const { id, accessToken: token } = await signUp(service)
  const before = await provedAt(token)
  service.clock.advance(300)
  const reply = await reauthenticate(token, 'wrong')
  expect(codes(reply)).toEqual(['INVALID_CREDENTIALS'])
  expect(reply.data).toBeNull()
  expect(await provedAt(token)).toEqual(before)
  expect((await actionsOf(service, id)).at(-1)).toBe('session.denied')
})

test.each(['', 'a'.repeat(4097), null, 7])('an invalid password is rejected by field: %#', async password => {
  const { accessToken } = await signUp(service)
  expect(Object.keys(refusedFields(await reauthenticate(accessToken, password)))).toEqual(['input.password'])
})

test('an account without a password cannot confirm one', async () => {
  const { id, accessToken } = await signUp(service)
  await service.app.db.user.update({ where: { id }, data: { passwordHash: null } })
  expect(codes(await reauthenticate(accessToken))).toEqual(['INVALID_CREDENTIALS'])
})

test('a session that ends while the password is checked stays ended', async () => {
  const { id, accessToken: token } = await signUp(service)
  const reply = await whileProving(
    service,
    () => service.send(Logout, {}, { token }),
    () => reauthenticate(token),
  )
  expect(reply.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', reason: 'REVOKED' } }])
  expect(await stateOf(service, token)).toBe('REVOKED')
  expect(await actionsOf(service, id)).not.toContain('session.reauthenticated')
})
