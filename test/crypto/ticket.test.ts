import { randomBytes } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { openTicket, sealTicket } from '../../src/crypto/ticket.ts'

const key = randomBytes(32)
const now = new Date('2026-11-21T12:00:00Z')
const later = new Date('2026-11-21T12:10:00Z')

test('a ticket gives back what was sealed in it, until it expires', () => {
  const ticket = sealTicket(key, 'second-factor', { userId: 'u1' }, later)
  expect(openTicket(key, 'second-factor', ticket, now)).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    expiresAt: later,
    payload: { userId: 'u1' },
  })
  expect(openTicket(key, 'second-factor', ticket, later)).toBeUndefined()
})

test('two tickets for the same content have different ids and share no text', () => {
  const [one, other] = [sealTicket(key, 'p', {}, later), sealTicket(key, 'p', {}, later)]
  expect(one).not.toBe(other)
  expect(openTicket(key, 'p', one, now)?.id).not.toBe(openTicket(key, 'p', other, now)?.id)
})

test('a ticket of one purpose does not open for another', () => {
  const ticket = sealTicket(key, 'passkey-login', {}, later)
  expect(openTicket(key, 'passkey-registration', ticket, now)).toBeUndefined()
})

test('a ticket sealed under another key does not open', () => {
  expect(openTicket(key, 'p', sealTicket(randomBytes(32), 'p', {}, later), now)).toBeUndefined()
})

test('a ticket with any byte changed does not open', () => {
  const bytes = Buffer.from(sealTicket(key, 'p', { a: 1 }, later), 'base64url')
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes)
    changed[index]! ^= 1
    expect([index, openTicket(key, 'p', changed.toString('base64url'), now)]).toEqual([index, undefined])
  }
})

test.each(['', 'x', 'not a ticket', 'A'.repeat(58), 'A'.repeat(100_000)])('junk does not open (%#)', junk => {
  expect(openTicket(key, 'p', junk, now)).toBeUndefined()
})

test('a ticket shows nothing of its content', () => {
  const ticket = sealTicket(key, 'p', { secret: 'JBSWY3DPEHPK3PXP' }, later)
  expect(ticket + Buffer.from(ticket, 'base64url').toString('latin1')).not.toContain('JBSWY3DP')
})
