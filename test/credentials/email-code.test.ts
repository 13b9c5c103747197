import { expect, test } from '@jest/globals'
import {
  countEmailCode,
  emailCodeHmac,
  forgiveEmailCode,
  newEmailCode,
  parseEmailCode,
} from '../../src/credentials/email-code.ts'
import { newAddress } from '../support/actors.ts'
import { useService } from '../support/service.ts'

const service = useService({ settings: { LIMIT_EMAIL_CODE_ACCOUNT: '3/15m' } })
const request = {
  requestId: 'r',
  ipAddress: '192.0.2.7',
  userAgent: undefined,
  bearerToken: undefined,
  refreshCookie: undefined,
  deviceCookie: undefined,
}

test('a code has six digits, and every digit occurs in every place', () => {
  const codes = Array.from({ length: 1000 }, newEmailCode)
  for (const code of codes) expect(code).toMatch(/^\d{6}$/)
  for (let place = 0; place < 6; place++) expect(new Set(codes.map(code => code[place])).size).toBe(10)
})

test.each([
  ['042917', '042917'],
  [' 042 917\n', '042917'],
  ['042-917', '042917'],
  ['42917', undefined],
  ['0429177', undefined],
  ['04291a', undefined],
  ['٠٤٢٩١٧', undefined],
  ['', undefined],
])('what a person types: %j', (typed, code) => {
  expect(parseEmailCode(typed)).toBe(code)
})

test('the database cannot tell the same code of two subjects', () => {
  const one = emailCodeHmac(service.app, 'one', '042917')
  expect(one).toHaveLength(32)
  expect(one.equals(emailCodeHmac(service.app, 'one', '042917'))).toBe(true)
  expect(one.equals(emailCodeHmac(service.app, 'other', '042917'))).toBe(false)
  expect(one.equals(emailCodeHmac(service.app, 'one', '042918'))).toBe(false)
})

test('wrong codes are counted per mailbox, and a correct one gives back only its own try', async () => {
  const address = newAddress()
  const tagged = address.replace('@', '+shop@')
  await countEmailCode(service.app, address, request)
  await countEmailCode(service.app, tagged, request)
  for (let sign = 0; sign < 4; sign++) {
    await forgiveEmailCode(service.app, await countEmailCode(service.app, address, request))
  }
  await countEmailCode(service.app, address, request)
  await expect(countEmailCode(service.app, tagged, request)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  await countEmailCode(service.app, newAddress(), request)
})
