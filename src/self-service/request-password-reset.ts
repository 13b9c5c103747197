import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { emailField } from '../accounts/fields.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { checkInput } from '../input.ts'
import { requireMail } from '../mail/outbox.ts'
import { countEmailRequest, inConstantTime, storeEmailRequest } from '../one-time-tokens/email-request.ts'
import { newToken } from '../one-time-tokens/token.ts'
import { resetMail, resetTokenOf } from './password-reset-link.ts'

const schema = z.object({ email: emailField })

/**
 * Sends a link to set a new password to the account's address. An address without an account and the address of a
 * disabled account get the same answer in the same time, but no email.
 * @throws AuthError BAD_USER_INPUT, RATE_LIMITED; CONFLICT if MAIL=off
 */
export async function requestPasswordReset(app: App, input: unknown, request: RequestInfo): Promise<void> {
  requireMail(app)
  const { email } = checkInput(schema, input)
  await countEmailRequest(app, 'reset', email.canonical, request)
  await inConstantTime(async () => {
    const known = await findUser(app, 'email', email.canonical)
    const owner = known?.disabledAt ? undefined : known
    const token = owner && newToken(app, resetTokenOf(owner))
    await storeEmailRequest(
      app,
      {
        tokens: token ? [token.row] : [],
        emails: token ? [resetMail(app, owner, token, request)] : [],
        event: { action: 'user.reset_requested', at: app.clock.now(), subjectId: known?.id },
      },
      request,
    )
  })
}
