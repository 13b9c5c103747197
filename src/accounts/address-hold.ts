import type { App } from '../app.ts'
import { type Queryable, statement } from '../database/client.ts'
import { emailTaken } from './unique-names.ts'

const findHold = statement(
  'address-hold',
  `SELECT 1 FROM email_tokens
   WHERE email_canonical = $1 AND purpose = 'email-undo' AND used_at IS NULL AND expires_at > $2 LIMIT 1`,
)

/**
 * Makes sure that nobody may still take this address back for an account: whoever stole that and changed its address
 * must not keep the owner out by registering the old one. For addresses whose mailbox is not proved.
 * @throws AuthError EMAIL_TAKEN
 */
export async function requireAddressNotHeld(app: App, emailCanonical: string): Promise<void> {
  const [hold] = await findHold(app.pool, [emailCanonical, app.clock.now()])
  if (hold) throw emailTaken('held for its former owner')
}

/**
 * The same for an account that is given the address, in the caller's transaction: what is held for that account itself
 * may be given back to it.
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
