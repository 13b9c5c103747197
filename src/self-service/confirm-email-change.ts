import { z } from 'zod'
import { requireAccount } from '../accounts/account.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo } from '../context.ts'
import { checkInput } from '../input.ts'
import { countInvalidTokens, endTokens, peekToken, redeemToken } from '../one-time-tokens/token.ts'
import { type AddressPayload, newUndoLink, storeUndoLink } from './email-undo-link.ts'
import { replaceEmail } from './replace-email.ts'
import { requireEnabledOwner } from './token-owner.ts'

const schema = z.object({ token: z.string() })

/**
 * Changes the account's address to the one that the token was sent to, as verified, and notifies the old address if it
 * was verified. The token proves control of the mailbox, so EMAIL_TAKEN reveals nothing to a stranger.
 * @throws AuthError TOKEN_INVALID, EMAIL_TAKEN, ACCOUNT_DISABLED, RATE_LIMITED
 */
export async function confirmEmailChange(app: App, input: unknown, request: RequestInfo): Promise<Account> {
  const { token } = checkInput(schema, input)
  const id = await countInvalidTokens(app, request, () => confirm(app, token, request))
  return requireAccount(app, id)
}

async function confirm(app: App, token: string, request: RequestInfo): Promise<string> {
  const change = await peekToken(app, token, 'email-change')
  const user = await requireEnabledOwner(app, change.subject)
  const { id, emailCanonical } = user
  const { email: newEmail } = change.payload as AddressPayload
  await app.db.$transaction(async tx => {
    await replaceEmail(app, tx, { id, emailCanonical }, change)
    await redeemToken(app, tx, token, 'email-change')
    await endTokens(app, tx, id)
    await storeUndoLink(app, tx, newUndoLink(app, user, { template: 'email-changed', newEmail }, request))
    await record(tx, request, {
      action: 'user.email_changed',
      at: app.clock.now(),
      actorId: id,
      subjectId: id,
    })
  })
  return id
}
