import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { emailField, localeField } from '../accounts/fields.ts'
import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { emailLoginColumns, type NewEmailLogin, newEmailLogin } from '../credentials/email-login.ts'
import { isForeignKeyViolation, statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { linkTo, mailColumns, type NewMail, toMails } from '../mail/outbox.ts'
import type { EmailLoginEffect } from '../mail/texts.ts'
import { countEmailRequest, inConstantTime } from '../one-time-tokens/email-request.ts'

const schema = z.object({ email: emailField, locale: localeField.nullish() })

/**
 * Begins a sign-in by email: sends a code, which signs in the client that has the ticket, and a link, which signs in
 * where it is opened. An address without an account gets an email that creates one if registration is open. All other
 * addresses, and those of disabled accounts, get the same answer in the same time, but no email.
 * @throws AuthError CONFLICT unless EMAIL_LOGIN=on; BAD_USER_INPUT, RATE_LIMITED
 */
export async function requestEmailLogin(
  app: App,
  input: unknown,
  request: RequestInfo,
): Promise<Pick<NewEmailLogin, 'ticket' | 'expiresAt'>> {
  requireEmailLogin(app)
  const { email, locale } = checkInput(schema, input)
  await countEmailRequest(app, 'email-login', email.canonical, request)
  return inConstantTime(async () => {
    const known = await findUser(app, 'email', email.canonical)
    const sent = known ? known.disabledAt === null : app.config.registrationOpen
    const recipient = {
      emailCanonical: email.canonical,
      email: email.typed,
      locale: locale ?? app.config.locales[0],
    }
    const begun = newEmailLogin(app, recipient, known, { sent })
    await store(
      app,
      begun,
      sent
        ? [emailOf(app, known ?? { ...recipient, id: begun.row.id }, begun, effectOn(known), request)]
        : [],
      {
        action: 'user.email_login_requested',
        at: begun.row.createdAt,
        // Without an account, the ID that it will have.
        subjectId: known?.id ?? (sent ? begun.row.id : undefined),
      },
      request,
    )
    return begun
  })
}

/** @throws AuthError CONFLICT */
export function requireEmailLogin({ config }: App): void {
  if (config.emailLogin) return
  throw new AuthError('CONFLICT', { message: 'Sign-in by email is turned off on this server.' })
}

function effectOn(known: User | undefined): EmailLoginEffect {
  if (!known) return 'create'
  return known.emailVerifiedAt ? 'none' : 'take-over'
}

function emailOf(
  app: App,
  { id, email, locale }: Pick<User, 'id' | 'email' | 'locale'>,
  { code, token, expiresAt }: NewEmailLogin,
  effect: EmailLoginEffect,
  request: RequestInfo,
): NewMail {
  const data = { ...emailOriginOf(app, request), code, effect, link: linkTo(app, 'email-login', token) }
  return { template: 'email-login', to: email, locale, userId: id, expiresAt, data }
}

const write = statement(
  'request-email-login',
  `WITH begun AS (${insertSql('email_logins', emailLoginColumns, 1)}),
     queued AS (${insertSql('mails', mailColumns, 2)})
   ${insertSql('audit_events', auditColumns, 3)}`,
)

async function store(
  app: App,
  { row }: NewEmailLogin,
  emails: NewMail[],
  event: AuditEntry,
  request: RequestInfo,
): Promise<void> {
  const entry = toRows(auditColumns, toEvent(request, event))
  const queued = toRows(mailColumns, ...toMails(app, ...emails))
  try {
    await write(app.pool, [toRows(emailLoginColumns, row), queued, entry])
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    // The account was deleted in the meantime.
    await write(app.pool, ['[]', '[]', entry])
  }
}
