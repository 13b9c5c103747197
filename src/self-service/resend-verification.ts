import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { emailField } from '../accounts/fields.ts'
import { findPendingRegistration } from '../accounts/pending-registration.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { requireMail } from '../mail/outbox.ts'
import { countEmailRequest, inConstantTime, storeEmailRequest } from '../one-time-tokens/email-request.ts'
import { verificationOf, verificationOfPending } from '../one-time-tokens/verification.ts'

const schema = z.object({ email: emailField })

/**
 * Sends another link to an address that is not verified yet. Every other address gets the same answer in the same
 * time, but no email.
 * @throws AuthError BAD_USER_INPUT, RATE_LIMITED; CONFLICT if MAIL=off
 */
export async function resendVerification(app: App, input: unknown, request: RequestInfo): Promise<void> {
  requireMail(app)
  const { email } = checkInput(schema, input)
  await countEmailRequest(app, 'verify', email.canonical, request)
  await inConstantTime(async () => {
    const known = await findUser(app, 'email', email.canonical)
    const pending = await findPendingRegistration(app, email.canonical, request)
    const verification = verificationFor(app, email.canonical, known, pending)
    await storeEmailRequest(
      app,
      {
        tokens: verification ? [verification.row] : [],
        emails: verification ? [verification.mail] : [],
        event: {
          action: 'user.verification_requested',
          at: app.clock.now(),
          subjectId: known?.id ?? pending?.subject,
        },
      },
      request,
    )
  })
}

function verificationFor(
  app: App,
  emailCanonical: string,
  known: User | undefined,
  pending: Awaited<ReturnType<typeof findPendingRegistration>>,
) {
  if (!known) return pending && verificationOfPending(app, pending.subject, emailCanonical, pending.account)
  if (known.emailVerifiedAt || known.disabledAt) return undefined
  // The email describes the registration, of which only the time is still stored.
  const origin = { at: known.createdAt.toISOString(), device: null, ipAddress: null }
  return verificationOf(app, known, origin)
}
