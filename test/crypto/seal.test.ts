import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type SealingKey, type SealingKeys, seal, sealingKey, unseal } from '../../src/crypto/seal.ts'

const KEY = sealingKey('the secret of this server, long enough')
const OTHER = sealingKey('the secret of another one, long enough')
const PLAIN = Buffer.from('a private key')
const only = (current: SealingKey): SealingKeys => ({ current, previous: [] })

test('unsealing returns the sealed data', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, purpose) => {
      const plain = Buffer.from(bytes)
      expect(unseal(seal(plain, purpose, KEY), purpose, only(KEY))).toEqual({ plain, resealed: undefined })
    }),
  )
})

test('data sealed under a previous secret is unsealed, with a new envelope to store', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, purpose) => {
      const plain = Buffer.from(bytes)
      const envelope = seal(plain, purpose, KEY)
      const opened = unseal(envelope, purpose, { current: OTHER, previous: [sealingKey('a third'), KEY] })
      expect(opened.plain).toEqual(plain)
      expect(unseal(opened.resealed ?? '', purpose, only(OTHER))).toEqual({ plain, resealed: undefined })
      expect(() => unseal(opened.resealed ?? '', purpose, only(KEY))).toThrow()
    }),
  )
})

test('the same secret gives the same key, and another secret another key', () => {
  expect(sealingKey('the secret of this server, long enough')).toEqual(KEY)
  expect(OTHER.id).not.toBe(KEY.id)
  expect(OTHER.key).not.toEqual(KEY.key)
})

test('an envelope reveals neither the plain text nor that two plain texts are equal', () => {
  const envelopes = [seal(PLAIN, 'signing', KEY), seal(PLAIN, 'signing', KEY)]
  expect(envelopes[0]).not.toBe(envelopes[1])
  for (const envelope of envelopes) {
    const bytes = Buffer.from(envelope.split('.')[2] ?? '', 'base64url')
    expect(bytes.includes(PLAIN)).toBe(false)
    expect(bytes).toHaveLength(12 + 16 + PLAIN.length)
  }
})

describe('an envelope does not open', () => {
  const envelope = seal(PLAIN, 'signing', KEY)
  const [version, id, data = ''] = envelope.split('.')
  const bytes = Buffer.from(data, 'base64url')

  test('for another purpose', () => {
    expect(() => unseal(envelope, 'refresh-token', only(KEY))).toThrow()
  })

  test('with another secret, and the message says which one is required', () => {
    expect(() => unseal(envelope, 'signing', only(OTHER))).toThrow(/signing key.*AUTHOGRAPH_SECRET/)
  })

  test('with another key that has the same ID', () => {
    expect(() => unseal(envelope, 'signing', only({ id: KEY.id, key: OTHER.key }))).toThrow()
  })

  test('with any one of its bits changed', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() =>
        unseal(`${version}.${id}.${changed.toString('base64url')}`, 'signing', only(KEY)),
      ).toThrow()
    }
  })

  test('if it is truncated anywhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length).toString('base64url')
      expect(() => unseal(`${version}.${id}.${cut}`, 'signing', only(KEY))).toThrow()
    }
  })

  test.each(['', 'v1', `v1.${id}`, `v2.${id}.${data}`, `.${id}.${data}`, `v1..${data}`, data])(
    'if it is %j',
    text => expect(() => unseal(text, 'signing', only(KEY))).toThrow(),
  )
})
