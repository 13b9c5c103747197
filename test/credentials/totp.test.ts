import { describe, expect, test } from '@jest/globals'
import {
  DEFAULT_TOTP,
  newTotpSecret,
  type TotpParameters,
  totpSecretText,
  totpStep,
  totpUri,
} from '../../src/credentials/totp.ts'

const at = (seconds: number) => new Date(seconds * 1000)

describe('the test vectors of RFC 6238, appendix B, are accepted', () => {
  const seeds = {
    SHA1: '12345678901234567890',
    SHA256: '12345678901234567890123456789012',
    SHA512: '1234567890123456789012345678901234567890123456789012345678901234',
  }
  test.each<[number, keyof typeof seeds, string]>([
    [59, 'SHA1', '94287082'],
    [59, 'SHA256', '46119246'],
    [59, 'SHA512', '90693936'],
    [1111111109, 'SHA1', '07081804'],
    [1111111109, 'SHA256', '68084774'],
    [1234567890, 'SHA1', '89005924'],
    [2000000000, 'SHA512', '38618901'],
    [20000000000, 'SHA1', '65353130'],
    [20000000000, 'SHA256', '77737706'],
  ])('at %i seconds with %s: %s', (seconds, algorithm, code) => {
    const parameters: TotpParameters = { algorithm, digits: 8, periodSeconds: 30 }
    expect(totpStep(Buffer.from(seeds[algorithm]), parameters, code, at(seconds))).toBe(
      Math.floor(seconds / 30),
    )
  })
})

// RFC 4226, appendix D: the codes of steps 0 to 9 of this secret.
const secret = Buffer.from('12345678901234567890')
const CODES = [
  '755224',
  '287082',
  '359152',
  '969429',
  '338314',
  '254676',
  '287922',
  '162583',
  '399871',
  '520489',
]
const accepted = (now: Date) =>
  CODES.map(code => totpStep(secret, DEFAULT_TOTP, code, now)).filter(step => step !== undefined)

test('the codes of the step before, the present and the next are accepted, and no others', () => {
  expect(accepted(at(4 * 30))).toEqual([3, 4, 5])
  expect(accepted(at(4 * 30 + 29.9))).toEqual([3, 4, 5])
  expect(accepted(at(5 * 30))).toEqual([4, 5, 6])
})

test('a code may be typed with the spaces that an app shows', () => {
  expect(totpStep(secret, DEFAULT_TOTP, ' 338 314 ', at(120))).toBe(4)
})

test.each(['', '33831', '3383140', '33831a', '٣٣٨٣١٤', '-38314', '3.3e5', '0x1234'])(
  '%p is no code',
  text => {
    expect(totpStep(secret, DEFAULT_TOTP, text, at(120))).toBeUndefined()
  },
)

test('a new secret has 160 bits and differs each time', () => {
  expect(newTotpSecret()).toHaveLength(20)
  expect(newTotpSecret()).not.toEqual(newTotpSecret())
})

test('an authenticator app reads the secret and the account from the URI', () => {
  const uri = new URL(totpUri(secret, DEFAULT_TOTP, { issuer: 'Acme & Sons', label: 'ada@example.com' }))
  expect(`${uri.protocol}//${uri.host}`).toBe('otpauth://totp')
  expect(decodeURIComponent(uri.pathname)).toContain('ada@example.com')
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({
    issuer: 'Acme & Sons',
    secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  })
  expect(totpSecretText(secret)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
})
