import type { App } from '../app.ts'
import { statement } from '../database/client.ts'

/** An account that was asked for and waits, as the payload of a token, for its address to be verified. */
export type WaitingAccount = {
  email: string
  username: string | null
  displayName: string | null
  locale: string
  passwordHash: string
}

const selectNewest = statement<[subject: string, account: WaitingAccount]>(
  'waiting-account',
  `SELECT subject, payload FROM email_tokens
   WHERE email_canonical = $1 AND purpose = 'registration' AND used_at IS NULL AND expires_at > $2
   ORDER BY created_at DESC LIMIT 1`,
)

/** What waits for this address, the newest where there are several, with the subject of its token. */
export async function findWaiting(
  app: App,
  emailCanonical: string,
): Promise<{ subject: string; account: WaitingAccount } | undefined> {
  const [row] = await selectNewest(app.pool, [emailCanonical, app.clock.now()])
  return row && { subject: row[0], account: row[1] }
}
