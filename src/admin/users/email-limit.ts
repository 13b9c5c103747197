import type { App } from '../../app.ts'
import { isId } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { countAttempt } from '../../rate-limit/limit.ts'
import type { Caller } from '../administer.ts'

/** Not longer than the shortest-lived link is valid. */
const BLOCK_MAX_SECONDS = 1800

/**
 * Counts an email that an administrator sends to an account, so that no mailbox is flooded. Apart from the requests of
 * strangers, which therefore can't keep an administrator from sending a link.
 * @throws AuthError NOT_FOUND for something that is no ID; RATE_LIMITED
 */
export async function countAdministratorEmail(app: App, id: string, { request }: Caller): Promise<void> {
  if (!isId(id)) throw new AuthError('NOT_FOUND', { message: 'There is no account with this ID.' })
  const attempt = {
    rule: 'mail.address',
    subject: id.toLowerCase(),
    blockMaxSeconds: BLOCK_MAX_SECONDS,
  } as const
  await countAttempt(app, [attempt], request)
}
