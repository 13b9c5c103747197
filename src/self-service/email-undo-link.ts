import { v7 as uuidv7 } from 'uuid'
import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import type { Queryable } from '../database/client.ts'
import type { EmailToken, User } from '../generated/prisma/client.ts'
import { linkTo, type NewMail, queueMail } from '../mail/outbox.ts'
import { newToken, storeToken } from '../one-time-tokens/token.ts'

/** The address that a token assigns to the account, as the owner typed it. */
export type AddressPayload = { email: string }

type UndoLink = { row: EmailToken; mail: NewMail }

/**
 * A link that restores the account's current address, with the notice that contains it. Undefined if the address was
 * never verified: an unverified address is not proven to be the owner's. Each link has its own row, so that a second
 * change of address does not replace the link of the first owner.
 */
export function newUndoLink(
  app: App,
  { id, email, emailCanonical, emailVerifiedAt, locale }: User,
  { template, newEmail }: { template: 'email-change-requested' | 'email-changed'; newEmail: string },
  request: RequestInfo,
): UndoLink | undefined {
  if (!emailVerifiedAt) return undefined
  const payload: AddressPayload = { email }
  const undo = { purpose: 'email-undo', subject: uuidv7(), userId: id, emailCanonical, payload } as const
  const { row, token, expiresAt } = newToken(app, undo)
  const data = { ...emailOriginOf(app, request), newEmail, link: linkTo(app, 'undo-email', token) }
  return { row, mail: { template, to: email, locale, userId: id, expiresAt, data } }
}

/** Stores the link, if there is one, and queues its notice in the caller's transaction. */
export async function storeUndoLink(app: App, tx: Queryable, undo: UndoLink | undefined): Promise<void> {
  if (!undo) return
  await storeToken(tx, undo.row)
  await queueMail(app, tx, undo.mail)
}
