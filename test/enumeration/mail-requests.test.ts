import { expect, test } from '@jest/globals'
import { newAddress, signUp } from '../support/actors.ts'
import { RequestPasswordReset, ResendVerificationEmail } from '../support/operations.ts'
import { watchQueries } from '../support/queries.ts'
import { useService } from '../support/service.ts'

const service = useService()

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
