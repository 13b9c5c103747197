import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { type Queryable, statement } from '../database/client.ts'
import type { EmailOrigin } from '../mail/texts.ts'

/** A registration whose address is not verified yet. It is the payload of the verification token. */
export type PendingRegistration = {
  email: string
  username: string | null
  displayName: string | null
  locale: string
  /** Null for a registration with a passkey or with an identity at a provider. */
  passwordHash: string | null
  /** The passkey to start with: the row that `toRows` returns, and the user handle in base64url. */
  passkey?: { rows: string; userHandle: string }
  /** The ID of the ticket of the identity that the account was registered for: see sign-in/complete-provider-sign-up.ts. */
  identityTicket?: string
  /** Where the registration came from, for the recipient of the email to recognize. */
  asked: EmailOrigin
}

const select = statement<[subject: string, account: PendingRegistration]>(
  'waiting-account',
  `SELECT subject, payload FROM email_tokens
   WHERE email_canonical = $1 AND purpose = 'registration' AND used_at IS NULL AND expires_at > $2
   ORDER BY (payload->'asked'->>'ipAddress') IS NOT DISTINCT FROM $3::text DESC, created_at DESC LIMIT 1`,
)

/**
 * The pending registration of this address, with the subject of its token, which becomes the account's ID. Prefers
 * registrations from the IP address of the request, then the newest. Otherwise an attacker who registers the owner's
 * address again would have the owner's next link confirm the attacker's registration.
 */
export async function findPendingRegistration(
  app: App,
  emailCanonical: string,
  { ipAddress }: RequestInfo,
): Promise<{ subject: string; account: PendingRegistration } | undefined> {
  const [row] = await select(app.pool, [emailCanonical, app.clock.now(), ipAddress ?? null])
  return row && { subject: row[0], account: row[1] }
}

/**
 * Deletes the pending registrations of an address and the sign-ins by email that would create an account for it, with
 * their emails, in the caller's transaction. Keeps those of `accountId`, which may be the account that one of them created.
 * @returns their IDs, whose audit events must be redacted together with the account's
 */
export async function voidPendingRegistrations(
  tx: Queryable,
  emailCanonical: string,
  accountId: string,
): Promise<string[]> {
  const registrations = { purpose: 'registration', emailCanonical, subject: { not: accountId }, userId: null }
  const pending = await tx.emailToken.findMany({ where: registrations, select: { subject: true } })
  const logins = { emailCanonical, id: { not: accountId }, userId: null }
  const begun = await tx.emailLogin.findMany({ where: logins, select: { id: true } })
  const ids = [...pending.map(({ subject }) => subject), ...begun.map(({ id }) => id)]
  await tx.mail.deleteMany({ where: { userId: { in: ids } } })
  await tx.emailToken.deleteMany({ where: registrations })
  await tx.emailLogin.deleteMany({ where: logins })
  return ids
}
