import { z } from 'zod'
import type { Context } from '../../context.ts'
import { sendEnrollmentCode } from '../../credentials/enrollment-code.ts'
import { checkInput } from '../../input.ts'
import { requireMail } from '../../mail/outbox.ts'
import { codeSubjectOf, enrolleeOf } from '../../sign-in/enrollment.ts'
import { recoveringSignIn } from '../../sign-in/factor-recovery.ts'
import { requireUnchanged } from '../../sign-in/sign-in-ticket.ts'

const schema = z.object({ ticket: z.string().nullish() }).nullish()

/**
 * Emails a code to the account of the caller: signed in, in a sign-in that must add a factor, or, if this server recovers
 * lost factors, in a sign-in that demands one. It is valid only in this session, or with this ticket.
 * @throws AuthError BAD_USER_INPUT, TICKET_INVALID, UNAUTHENTICATED, RATE_LIMITED; CONFLICT with MAIL=off
 */
export async function sendEmailCode(context: Context, input: unknown): Promise<void> {
  const { app, request } = context
  const given = checkInput(schema, input)
  requireMail(app)
  const recovering = given?.ticket == null ? undefined : recoveringSignIn(app, given.ticket)
  if (recovering) {
    const account = await requireUnchanged(app, recovering)
    return sendEnrollmentCode(app, recovering.id, account, request)
  }
  const enrollee = await enrolleeOf(context, given?.ticket)
  await sendEnrollmentCode(app, codeSubjectOf(enrollee), enrollee.account, request)
}
