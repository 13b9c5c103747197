import { describe, expect, test } from '@jest/globals'
import { newAddress, signUp } from '../support/actors.ts'
import {
  LoginWithEmail,
  RequestEmailLogin,
  RequestPasswordReset,
  ResendVerificationEmail,
} from '../support/operations.ts'
import { watchQueries } from '../support/queries.ts'
import { codes, startService, useService } from '../support/service.ts'

const service = useService({
  settings: { EMAIL_LOGIN: 'on', REGISTRATION: 'open', LIMIT_MAIL_NETWORK: '1000/1h' },
})

/** One address of each kind. A stranger must not be able to tell them apart. */
async function addresses() {
  const [known, disabled, verified, hashless] = await Promise.all(
    Array.from({ length: 4 }, () => signUp(service)),
  )
  const update = (account: { id: string } | undefined, data: object) =>
    service.app.db.user.update({ where: { id: account?.id ?? '' }, data })
  await update(disabled, { disabledAt: service.clock.now() })
  await update(verified, { emailVerifiedAt: service.clock.now() })
  await update(hashless, { passwordHash: null })
  return [newAddress(), known?.email, disabled?.email, verified?.email, hashless?.email]
}

test.each([
  ['requestPasswordReset', RequestPasswordReset, ['limit-count', 'user-by-email_canonical', 'request-mail']],
  [
    'resendVerificationEmail',
    ResendVerificationEmail,
    ['limit-count', 'user-by-email_canonical', 'waiting-account', 'request-mail'],
  ],
] as const)(
  '%s: every address gets the same answer after the same statements in the same order',
  async (name, document, statements) => {
    const all = await addresses()
    const steps: string[] = []
    const stop = watchQueries(service.app, name => steps.push(name ?? 'unnamed'))
    try {
      for (const email of all) {
        const { status, data, errors, headers } = await service.send<unknown, object>(document, {
          input: { email },
        })
        expect([status, data, errors, headers.get('content-length')]).toEqual([
          200,
          { [name]: true },
          [],
          expect.any(String),
        ])
        expect(steps.splice(0)).toEqual(statements)
      }
    } finally {
      stop()
    }
  },
)

describe('sign-in by email', () => {
  const request = (email: string | undefined, on = service) =>
    on.send(RequestEmailLogin, { input: { email: email ?? '' } })

  test('every address gets an answer of the same form after the same statements in the same order', async () => {
    const closed = await startService({
      databaseUrl: service.app.config.database.url ?? '',
      clock: service.clock,
      settings: { EMAIL_LOGIN: 'on', REGISTRATION: 'closed', LIMIT_MAIL_NETWORK: '1000/1h' },
    })
    const all = await addresses()
    const lengths = new Set<string>()
    for (const on of [service, closed]) {
      const steps: string[] = []
      const stop = watchQueries(on.app, name => steps.push(name ?? 'unnamed'))
      for (const email of all) {
        const { data, errors, headers } = await request(email, on)
        expect(errors).toEqual([])
        expect(data?.requestEmailLogin.ticket).toEqual(expect.any(String))
        lengths.add(`${email?.length} ${headers.get('content-length')}`)
        expect(steps.splice(0)).toEqual(['limit-count', 'user-by-email_canonical', 'request-email-login'])
      }
      stop()
    }
    // All addresses have the same length, so that only the account could make a difference.
    expect(lengths.size).toBe(1)
    await closed.close()
  })

  test('a wrong code gets the same answer after the same statements, whether or not it was ever sent', async () => {
    const closed = await startService({
      databaseUrl: service.app.config.database.url ?? '',
      clock: service.clock,
      settings: { EMAIL_LOGIN: 'on', REGISTRATION: 'closed', LIMIT_MAIL_NETWORK: '1000/1h' },
    })
    const steps: string[] = []
    const stop = watchQueries(closed.app, name => steps.push(name ?? 'unnamed'))
    const seen: unknown[] = []
    for (const email of await addresses()) {
      const ticket = (await request(email, closed)).data?.requestEmailLogin.ticket ?? ''
      steps.splice(0)
      const reply = await closed.send(LoginWithEmail, { input: { ticket, code: '000000' } })
      expect(codes(reply)).toEqual(['CODE_INVALID'])
      seen.push([reply.errors, steps.splice(0)])
    }
    stop()
    expect(new Set(seen.map(each => JSON.stringify(each))).size).toBe(1)
    await closed.close()
  })
})
