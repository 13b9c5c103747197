import { expect, test } from '@jest/globals'
import { newAddress, signUpVerified } from '../support/actors.ts'
import { emailedLogin, loginWithEmail, wrong } from '../support/email-login.ts'
import { RequestEmailLogin } from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'

const service = useService({ settings: { EMAIL_LOGIN: 'on', LIMIT_MAIL_ADDRESS: '4/1h' } })

test('the 11th code for a mailbox is RATE_LIMITED, although each came with a new email; the link still works', async () => {
  const { email } = await signUpVerified(service)
  const emails = [await emailedLogin(service, email), await emailedLogin(service, email)]
  for (const { ticket, code } of emails)
    for (let tries = 1; tries <= 5; tries++)
      expect(codes(await loginWithEmail(service, { ticket, code: wrong(code, tries) }))).toEqual([
        'CODE_INVALID',
      ])
  const { ticket, code, token } = await emailedLogin(service, email)
  const refused = await loginWithEmail(service, { ticket, code })
  expect(codes(refused)).toEqual(['RATE_LIMITED'])
  expect(refused.errors[0]?.extensions.retryAfter).toEqual(expect.any(Number))
  expect((await loginWithEmail(service, { token })).data?.loginWithEmail.__typename).toBe('AuthPayload')
})

test('correct codes do not use up the limit', async () => {
  const { email } = await signUpVerified(service)
  for (let round = 0; round < 4; round++) {
    const { ticket, code } = await emailedLogin(service, email)
    expect(codes(await loginWithEmail(service, { ticket, code: wrong(code) }))).toEqual(['CODE_INVALID'])
    expect(codes(await loginWithEmail(service, { ticket, code }))).toEqual([])
  }
})

test.each(['an address with an account', 'an address without one'])(
  '%s receives at most LIMIT_MAIL_ADDRESS emails to sign in with',
  async kind => {
    const email = kind.includes('without') ? newAddress() : (await signUpVerified(service)).email
    const request = () => service.send(RequestEmailLogin, { input: { email } })
    for (let time = 0; time < 4; time++) expect(codes(await request())).toEqual([])
    expect(codes(await request())).toEqual(['RATE_LIMITED'])
  },
)
