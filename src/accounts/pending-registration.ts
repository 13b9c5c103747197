import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import type { EmailOrigin } from '../mail/texts.ts'

/** An account that was asked for and waits, as the payload of a token, for its address to be verified. */
export type PendingRegistration = {
  email: string
  username: string | null
  displayName: string | null
  locale: string
  passwordHash: string
  /** Where it was asked for, for whoever reads the mail to recognise. */
  asked: EmailOrigin
}

const select = statement<[subject: string, account: PendingRegistration]>(
  'waiting-account',
  `SELECT subject, payload FROM email_tokens
   WHERE email_canonical = $1 AND purpose = 'registration' AND used_at IS NULL AND expires_at > $2
   ORDER BY (payload->'asked'->>'ipAddress') IS NOT DISTINCT FROM $3::text DESC, created_at DESC LIMIT 1`,
)

/**
 * What waits for this address, with the subject of its token, which becomes the account's id. Of several the newest
 * that was asked for from where the request comes from, or the newest: whoever registers somebody's address once more
 * must not have the owner's next link made for it.
 */
export async function findPendingRegistration(
  app: App,
  emailCanonical: string,
  { ipAddress }: RequestInfo,
): Promise<{ subject: string; account: PendingRegistration } | undefined> {
  const [row] = await select(app.pool, [emailCanonical, app.clock.now(), ipAddress ?? null])
  return row && { subject: row[0], account: row[1] }
}
