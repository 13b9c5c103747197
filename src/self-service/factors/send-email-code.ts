import { z } from 'zod'
import type { Context } from '../../context.ts'
import { sendEnrollmentCode } from '../../credentials/enrollment-code.ts'
import { checkInput } from '../../input.ts'
import { requireMail } from '../../mail/outbox.ts'
import { codeSubjectOf, enrolleeOf } from '../../sign-in/enrollment.ts'

const schema = z.object({ ticket: z.string().nullish() }).nullish()

/**
 * Emails a code to the account of the caller. It is valid only in this session, or with this ticket.
 * @throws AuthError BAD_USER_INPUT, TICKET_INVALID, UNAUTHENTICATED, RATE_LIMITED; CONFLICT with MAIL=off
 */
export async function sendEmailCode(context: Context, input: unknown): Promise<void> {
  const { app, request } = context
  const given = checkInput(schema, input)
  const enrollee = await enrolleeOf(context, given?.ticket)
  requireMail(app)
  await sendEnrollmentCode(app, codeSubjectOf(enrollee), enrollee.account, request)
}
