import { createHmac } from 'node:crypto'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { quickHmac } from '../../src/crypto/quick-hmac.ts'

const keys = fc.uint8Array({ maxLength: 64 })
const messages = fc.uint8Array({ maxLength: 256 }).map(bytes => Buffer.from(bytes).toString('latin1'))

test('a quick HMAC is the one of OpenSSL, for any key and message', () => {
  fc.assert(
    fc.property(keys, messages, messages, (key, first, second) => {
      for (const message of [first, second, first]) {
        const reference = createHmac('sha256', key).update(message, 'latin1').digest()
        expect(quickHmac(key, message)).toEqual(reference)
      }
    }),
  )
})

test('an HMAC that was returned stays as it is', () => {
  const key = Buffer.alloc(32, 1)
  const first = quickHmac(key, 'first')
  const copy = Buffer.from(first)
  quickHmac(key, 'second')
  expect(first).toEqual(copy)
})

test('a key or a message that is too long is refused, and not shortened', () => {
  expect(() => quickHmac(Buffer.alloc(65), 'message')).toThrow(RangeError)
  expect(() => quickHmac(Buffer.alloc(32), 'm'.repeat(257))).toThrow(RangeError)
})
