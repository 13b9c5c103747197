import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { NO_REQUEST } from '../../src/audit/record.ts'
import {
  countInvalidTokens,
  endTokens,
  issueToken,
  peekToken,
  redeemToken,
  type TokenPurpose,
} from '../../src/one-time-tokens/token.ts'
import { signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { DAY, HOUR, MINUTE } from '../support/sessions.ts'

const service = useService()

const issue = (purpose: TokenPurpose, subject: string = randomUUID(), userId?: string) =>
  issueToken(service.app, service.app.db, {
    purpose,
    subject,
    userId,
    emailCanonical: 'ada@example.com',
    payload: { some: 'thing' },
  })
const redeem = (token: string, ...purposes: TokenPurpose[]) =>
  redeemToken(service.app, service.app.db, token, ...purposes)
const peek = (token: string, ...purposes: TokenPurpose[]) => peekToken(service.app, token, ...purposes)
const INVALID = { code: 'TOKEN_INVALID' }

test('a token has 256 random bits, and the database stores only its hash', async () => {
  const [one, two] = [await issue('reset'), await issue('reset')]
  expect(one.token).toMatch(/^[\w-]{43}$/)
  expect(two.token).not.toBe(one.token)
  const { rows } = await service.app.pool.query<{ row: string }>('SELECT t::text AS row FROM email_tokens t')
  const dump = rows.map(({ row }) => row).join('\n')
  for (const { token } of [one, two]) {
    expect(dump).not.toContain(token)
    expect(dump).not.toContain(Buffer.from(token, 'base64url').toString('hex'))
  }
})

test('a token is single-use, valid only for its purpose, and carries its payload', async () => {
  const { token } = await issue('reset')
  await expect(redeem(token, 'verify', 'email-undo')).rejects.toMatchObject(INVALID)
  expect(await peek(token, 'reset', 'invitation')).toMatchObject({ payload: { some: 'thing' } })
  expect(await redeem(token, 'reset', 'invitation')).toMatchObject({ payload: { some: 'thing' } })
  await expect(redeem(token, 'reset')).rejects.toMatchObject(INVALID)
  await expect(peek(token, 'reset')).rejects.toMatchObject(INVALID)
})

test.each(['', 'abc', 'a'.repeat(43), '\0', '🦊'.repeat(1000)])(
  'what is none is invalid: %j',
  async token => {
    await expect(redeem(token, 'reset')).rejects.toMatchObject(INVALID)
  },
)

test('of many parallel redemptions exactly one succeeds', async () => {
  const { token } = await issue('verify')
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => redeem(token, 'verify')))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('a newer token replaces the older one with the same purpose and subject and no other', async () => {
  const subject = randomUUID()
  const [older, other] = [await issue('reset', subject), await issue('verify', subject)]
  const newer = await issue('reset', subject)
  await expect(redeem(older.token, 'reset')).rejects.toMatchObject(INVALID)
  await redeem(newer.token, 'reset')
  await redeem(other.token, 'verify')
  // A used token does not prevent a new one.
  await redeem((await issue('reset', subject)).token, 'reset')
})

test('of many tokens issued in parallel only the last is valid', async () => {
  const subject = randomUUID()
  const issued = await Promise.all(Array.from({ length: 10 }, () => issue('reset', subject)))
  const outcomes = await Promise.allSettled(issued.map(({ token }) => redeem(token, 'reset')))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test.each<[TokenPurpose, number]>([
  ['registration', DAY],
  ['verify', DAY],
  ['reset', 30 * MINUTE],
  ['email-change', HOUR],
  ['invitation', 7 * DAY],
  ['email-undo', 7 * DAY],
])('a token of purpose %s is valid for %d seconds', async (purpose, seconds) => {
  const [kept, late] = [await issue(purpose), await issue(purpose)]
  service.clock.advance(seconds - 5)
  await redeem(kept.token, purpose)
  service.clock.advance(5)
  await expect(redeem(late.token, purpose)).rejects.toMatchObject(INVALID)
  expect(late.expiresAt.getTime()).toBeLessThanOrEqual(service.clock.now().getTime())
})

describe('when the password or the address changes', () => {
  test.each<[TokenPurpose, boolean]>([
    ['reset', false],
    ['invitation', false],
    ['email-change', false],
    ['email-undo', true],
    ['verify', true],
  ])(
    'a token of purpose %s stays valid when the password or the address changes: %s',
    async (purpose, stays) => {
      const { id } = await signUp(service)
      const { token } = await issue(purpose, randomUUID(), id)
      const ofOther = await issue(purpose, randomUUID(), (await signUp(service)).id)
      await endTokens(service.app, service.app.db, id)
      const outcome = await redeem(token, purpose).then(
        () => true,
        () => false,
      )
      expect(outcome).toBe(stays)
      await redeem(ofOther.token, purpose)
    },
  )
})

test('a failure for another reason does not count as an invalid token', async () => {
  const request = {
    ...NO_REQUEST,
    requestId: '',
    bearerToken: undefined,
    refreshCookie: undefined,
    deviceCookie: undefined,
  }
  const failing = () => Promise.reject(new Error('of its own'))
  await expect(countInvalidTokens(service.app, request, failing)).rejects.toThrow('of its own')
  expect(await service.app.db.rateLimit.count({ where: { key: { startsWith: 'token.network' } } })).toBe(0)
})
