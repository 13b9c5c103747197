import { expect, test } from '@jest/globals'
import { passwordProblems } from '../../src/credentials/password/policy.ts'
import { strengthOf } from '../../src/web/strength.ts'

const rules = { minLength: 8, maxLength: 128, words: ['ada@example.com', 'Ada Lovelace'] }

test.each([
  ['', 'tooShort'],
  ['short', 'tooShort'],
  ['가나다라마바사', 'tooShort'],
  ['x'.repeat(129), 'tooLong'],
  ['password', 'easy'],
  ['12345678', 'easy'],
  ['qwertyuiop', 'easy'],
  ['aaaaaaaaaaaa', 'easy'],
  ['Lovelace1815', 'easy'],
  ['tK9#wq2z', 'fair'],
  ['brass engine', 'fair'],
  ['brass engine, oil', 'good'],
  ['seventeen brass engines', 'strong'],
])('%j is %s', (password, strength) => {
  expect(strengthOf(password, rules)).toBe(strength)
})

test.each(['seventeen brass engines', 'eighteen copper whistles', '낡은 구리 주전자 열일곱 개'])(
  'what looks strong is taken by the server: %s',
  async password => {
    expect(strengthOf(password, rules)).toMatch(/^(?:good|strong)$/)
    expect(await passwordProblems(password, rules)).toEqual([])
  },
)
