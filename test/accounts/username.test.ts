import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalUsername } from '../../src/accounts/username.ts'

describe('canonicalUsername', () => {
  test.each([
    ['ada', 'ada'],
    ['Ada_Lovelace', 'ada_lovelace'],
    [' ada.l-1815 ', 'ada.l-1815'],
    ['A'.repeat(32), 'a'.repeat(32)],
  ])('reads %j as %s', (typed, canonical) => {
    expect(canonicalUsername(typed)).toBe(canonical)
  })

  test.each([
    '',
    'ab',
    'a'.repeat(33),
    'ada lovelace',
    'ada@example.com',
    'ada\n.l',
    'аda',
    '\u212Aelvin',
    'ａｄａ',
  ])('rejects %j', typed => {
    expect(canonicalUsername(typed)).toBeUndefined()
  })

  test('is idempotent, never throws, and contains only the 39 allowed characters', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[A-Za-z0-9_.-]{1,40}$/)),
        typed => {
          const canonical = canonicalUsername(typed)
          if (canonical === undefined) return
          expect(canonical).toMatch(/^[a-z0-9_.-]{3,32}$/)
          expect(canonicalUsername(canonical)).toBe(canonical)
          expect(canonicalUsername(typed.toUpperCase())).toBe(canonical)
        },
      ),
    )
  })
})
