import { z } from 'zod'
import { requireAddressNotHeldByOthers } from '../../accounts/address-hold.ts'
import {
  displayNameField,
  emailField,
  localeField,
  metadataField,
  usernameField,
} from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Account } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { queueNotice } from '../../mail/notices.ts'
import { queueMail } from '../../mail/outbox.ts'
import { storeToken } from '../../one-time-tokens/token.ts'
import { verificationOf } from '../../one-time-tokens/verification.ts'
import { type Acting, administerUser, difference } from '../administer.ts'
import { sendInvitation } from './invite-user.ts'

const schema = z.object({
  email: emailField.nullish(),
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
  locale: localeField.nullish(),
  publicMetadata: metadataField.nullish(),
  privateMetadata: metadataField.nullish(),
})

/**
 * Changes what the input names and leaves the rest. Another address counts as unverified, ends every link that was
 * mailed to the account, is sent one of its own, and the old address is told. Sessions go on.
 * @throws AuthError BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, NOT_FOUND; FORBIDDEN for an account with more
 *   permissions; CONFLICT for one's own address
 */
export async function updateUser(app: App, id: string, input: unknown, acting: Acting): Promise<void> {
  const { email, username, displayName, locale, publicMetadata, privateMetadata } = checkInput(schema, input)
  const at = app.clock.now()
  await administerUser(app, acting, 'users:write', id, async (tx, target) => {
    const moves = email != null && email.canonical !== target.emailCanonical
    if (moves && target.id === acting.viewer.account.id) {
      throw new AuthError('CONFLICT', { message: 'Change your own address with requestEmailChange.' })
    }
    if (moves) await requireAddressNotHeldByOthers(app, tx, email.canonical, target.id)
    const updated = await tx.user.update({
      where: { id },
      data: {
        ...(email && { email: email.typed, emailCanonical: email.canonical }),
        ...(moves && { emailVerifiedAt: null }),
        ...(username !== undefined && { username }),
        ...(displayName !== undefined && { displayName }),
        ...(locale && { locale }),
        ...(publicMetadata && { publicMetadata }),
        ...(privateMetadata && { privateMetadata }),
        updatedAt: at,
      },
    })
    if (moves) await moveMail(app, tx, target, updated)
    const metadata = [publicMetadata && 'publicMetadata', privateMetadata && 'privateMetadata']
    await record(tx, acting.request, {
      action: 'user.updated',
      at,
      actorId: acting.viewer.account.id,
      subjectId: id,
      detail: {
        ...difference(factsOf(target), factsOf(updated)),
        // By name alone: what is in there is for the embedding program to know, and may be a secret.
        ...((publicMetadata || privateMetadata) && { metadata: metadata.filter(name => name != null) }),
      },
    })
  })
}

function factsOf({ email, username, displayName, locale, emailVerifiedAt }: User) {
  return { email, username, displayName, locale, emailVerifiedAt: emailVerifiedAt?.toISOString() ?? null }
}

/** Everything that was mailed to the old address ends, so that whoever reads it there can do nothing more. */
async function moveMail(app: App, tx: Queryable, old: Account, moved: User): Promise<void> {
  const { id, email, locale } = moved
  await tx.emailToken.deleteMany({ where: { userId: id } })
  const at = app.clock.now().toISOString()
  await queueNotice(app, tx, old, {
    template: 'email-replaced',
    to: old.email,
    locale,
    userId: id,
    data: { at, newEmail: email },
  })
  if (!app.mailer) return
  if (moved.passwordHash === null) return sendInvitation(app, tx, moved)
  if (app.config.emailVerification === 'off') return
  const { row, mail } = verificationOf(app, moved, { at, device: null, ipAddress: null })
  await storeToken(tx, row)
  await queueMail(app, tx, mail)
}
