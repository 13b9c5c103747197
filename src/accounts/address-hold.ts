import type { App } from '../app.ts'
import { type Queryable, statement } from '../database/client.ts'
import { emailTaken } from './unique-names.ts'

const findHold = statement(
  'address-hold',
  `SELECT 1 FROM email_tokens
   WHERE email_canonical = $1 AND purpose = 'email-undo' AND used_at IS NULL AND expires_at > $2 LIMIT 1`,
)

/**
 * Requires that no valid link can restore this address to an account. Otherwise a thief who changed the address of a
 * stolen account could lock out the owner by registering the old one. For addresses without proof of the mailbox.
 * @throws AuthError EMAIL_TAKEN
 */
export async function requireAddressNotHeld(app: App, emailCanonical: string): Promise<void> {
  const [hold] = await findHold(app.pool, [emailCanonical, app.clock.now()])
  if (hold) throw emailTaken('held for its former owner')
}

/**
 * As `requireAddressNotHeld`, in the caller's transaction, for an account that receives the address. The account may
 * receive an address that is held for itself.
 * @throws AuthError EMAIL_TAKEN
 */
export async function requireAddressNotHeldByOthers(
  app: App,
  tx: Queryable,
  emailCanonical: string,
  userId: string,
): Promise<void> {
  const open = { purpose: 'email-undo', usedAt: null, expiresAt: { gt: app.clock.now() } }
  const hold = await tx.emailToken.findFirst({ where: { ...open, emailCanonical, userId: { not: userId } } })
  if (hold) throw emailTaken('held for its former owner')
}
