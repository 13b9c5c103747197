import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import jwt from 'jsonwebtoken'
import { signCompactJws } from '../../src/keys/compact-jws.ts'

const pairOf = (kid: string) => ({ kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) })
const pairs = [pairOf('first'), pairOf('second')] as const
const claims = fc.dictionary(
  fc.string({ unit: 'binary' }).filter(name => name !== '__proto__' && !['iat', 'exp', 'nbf'].includes(name)),
  fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.array(fc.string())),
)

test('a token is what jsonwebtoken signs and verifies, for any claims, keys and types', () => {
  fc.assert(
    fc.property(claims, fc.constantFrom(...pairs), fc.constantFrom('at+jwt', 'JWT'), (payload, pair, typ) => {
      const { kid, privateKey, publicKey } = pair
      const token = signCompactJws(payload, typ, { kid, privateKey })
      const reference = jwt.sign(JSON.stringify(payload), privateKey, {
        algorithm: 'ES256',
        header: { alg: 'ES256', typ, kid },
      })
      const withoutSignature = (text: string) => text.slice(0, text.lastIndexOf('.'))
      expect(withoutSignature(token)).toBe(withoutSignature(reference))
      expect(() => jwt.verify(token, publicKey, { algorithms: ['ES256'] })).not.toThrow()
    }),
    { numRuns: 50 },
  )
})

test('a token of one key does not verify with another', () => {
  const [first, second] = pairs
  const token = signCompactJws({ sub: 'ada' }, 'at+jwt', first)
  expect(() => jwt.verify(token, second.publicKey, { algorithms: ['ES256'] })).toThrow('invalid signature')
})
