import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { mailColumns, toMails } from '../mail/outbox.ts'
import type { EmailOrigin } from '../mail/texts.ts'
import { LimitHit } from '../rate-limit/limit.ts'
import { countEmailRequest } from './email-request.ts'
import { tokenColumns, tokensSql } from './token.ts'
import { verificationOf } from './verification.ts'

/** Keeps a link that is still valid. Of parallel requests, only one stores and sends its link. */
const write = statement(
  'overdue-verification',
  `WITH asked AS (${tokensSql(1)}
     WHERE email_tokens.used_at IS NOT NULL OR email_tokens.expires_at <= excluded.created_at
       OR email_tokens.email_canonical <> excluded.email_canonical
     RETURNING 1
   ), queued AS (${insertSql('mails', mailColumns, 2, 'asked')})
   ${insertSql('audit_events', auditColumns, 3, 'asked')}`,
)

/**
 * Sends the link that verifies an account's address, unless an earlier one is still valid. An imported account has never
 * received a link, and that of an older account may have expired. Call it only after the password is proved.
 * @throws AuthError EMAIL_NOT_VERIFIED with `retryAfter`, if the limits on emails do not allow sending it now
 */
export async function sendOverdueVerification(
  app: App,
  account: User,
  origin: EmailOrigin,
  request: RequestInfo,
): Promise<void> {
  const at = app.clock.now()
  const { id, emailCanonical } = account
  const valid = { purpose: 'verify', subject: id, emailCanonical, usedAt: null, expiresAt: { gt: at } }
  if (await app.db.emailToken.findFirst({ where: valid })) return
  try {
    await countEmailRequest(app, 'verify', emailCanonical, request)
  } catch (error) {
    if (!(error instanceof LimitHit)) throw error
    throw new AuthError('EMAIL_NOT_VERIFIED', {
      message:
        'Verify your email address first. No new link can be sent right now. Sign in again later to receive one.',
      extensions: error.extensions,
      cause: error,
    })
  }
  const { row, mail } = verificationOf(app, account, origin)
  const event = toEvent(request, { action: 'user.verification_requested', at, actorId: id, subjectId: id })
  await write(app.pool, [
    toRows(tokenColumns, row),
    toRows(mailColumns, ...toMails(app, mail)),
    toRows(auditColumns, event),
  ])
}
