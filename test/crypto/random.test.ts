import { expect, test } from '@jest/globals'
import { randomBytes } from '../../src/crypto/random.ts'

test('each call gets as many bytes as it asks for, and bytes of its own', () => {
  const seen = new Set<string>()
  for (let call = 0; call < 2000; call++) {
    const bytes = randomBytes(call % 2 === 0 ? 32 : 12)
    expect(bytes).toHaveLength(call % 2 === 0 ? 32 : 12)
    seen.add(bytes.toString('hex'))
  }
  expect(seen.size).toBe(2000)
})

test('bytes that were handed out do not change when others are drawn', () => {
  const bytes = randomBytes(32)
  const before = bytes.toString('hex')
  for (let call = 0; call < 1000; call++) randomBytes(32).fill(0)
  expect(bytes.toString('hex')).toBe(before)
})

test('every value of a byte comes up', () => {
  const values = new Set<number>()
  for (let call = 0; call < 100; call++) for (const value of randomBytes(4096)) values.add(value)
  expect(values.size).toBe(256)
})

test('more bytes than the pool has are refused, rather than cut', () => {
  expect(() => randomBytes(4097)).toThrow(RangeError)
})
