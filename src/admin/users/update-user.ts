import { z } from 'zod'
import { requireAddressNotHeldByOthers } from '../../accounts/address-hold.ts'
import { newCredentialVersion } from '../../accounts/credential-version.ts'
import {
  displayNameField,
  emailField,
  localeField,
  metadataField,
  usernameField,
} from '../../accounts/fields.ts'
import { NEVER_CAME } from '../../accounts/invited.ts'
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
import { administerUser, type Caller, changedFields } from '../administer.ts'
import { changedMeanwhile, unchangedSince } from '../changed-meanwhile.ts'
import { sendInvitation } from './invite-user.ts'

const schema = z.object({
  email: emailField.nullish(),
  emailVerified: z.boolean().nullish(),
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
  locale: localeField.nullish(),
  publicMetadata: metadataField.nullish(),
  privateMetadata: metadataField.nullish(),
})

/**
 * Changes the fields of the input. A new address is unverified and receives a link to verify it, unless the input marks it
 * as verified; every link emailed to the account earlier becomes invalid, and the old address is notified. Sessions
 * continue. With `expectedUpdatedAt`, changes nothing if the account has changed since then.
 * @throws AuthError BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, NOT_FOUND; FORBIDDEN for an account with more
 *   permissions than the caller's; CONFLICT for the caller's own address, and for an account that has changed
 */
export async function updateUser(
  app: App,
  id: string,
  input: unknown,
  caller: Caller,
  expectedUpdatedAt?: Date | null,
): Promise<void> {
  const { email, emailVerified, username, displayName, locale, publicMetadata, privateMetadata } = checkInput(
    schema,
    input,
  )
  const at = app.clock.now()
  await administerUser(app, caller, 'users:write', id, async (tx, target, heldPermissions) => {
    const addressChanges = email != null && email.canonical !== target.emailCanonical
    const verifies = emailVerified != null && (addressChanges || emailVerified !== !!target.emailVerifiedAt)
    if (target.id === caller.viewer.account.id) requireOthers(addressChanges, verifies)
    if (addressChanges) await requireAddressNotHeldByOthers(app, tx, email.canonical, target.id)
    const [updated] = await tx.user.updateManyAndReturn({
      where: { id, ...unchangedSince(expectedUpdatedAt) },
      data: {
        ...(email && { email: email.typed, emailCanonical: email.canonical }),
        ...(addressChanges && { emailVerifiedAt: null, ...newCredentialVersion }),
        ...(verifies && { emailVerifiedAt: emailVerified ? at : null }),
        ...(username !== undefined && { username }),
        ...(displayName !== undefined && { displayName }),
        ...(locale && { locale }),
        ...(publicMetadata && { publicMetadata }),
        ...(privateMetadata && { privateMetadata }),
        updatedAt: at,
      },
    })
    if (!updated) throw changedMeanwhile(target, heldPermissions)
    if (addressChanges) await replaceAddress(app, tx, target, updated, caller)
    const metadata = [publicMetadata && 'publicMetadata', privateMetadata && 'privateMetadata']
    await record(tx, caller.request, {
      action: 'user.updated',
      at,
      actorId: caller.viewer.account.id,
      subjectId: id,
      detail: {
        ...changedFields(fieldsOf(target), fieldsOf(updated)),
        // Names only: the values belong to the embedding program and may be secret.
        ...((publicMetadata || privateMetadata) && { metadata: metadata.filter(name => name != null) }),
      },
    })
  })
}

/** Owners prove their own address. */
function requireOthers(addressChanges: boolean, verifies: boolean): void {
  if (addressChanges) {
    throw new AuthError('CONFLICT', { message: 'Change your own address with requestEmailChange.' })
  }
  if (!verifies) return
  throw new AuthError('CONFLICT', {
    message:
      'Verify your own address with the link that was sent to it. Another administrator can also do it.',
  })
}

function fieldsOf({ email, username, displayName, locale, emailVerifiedAt }: User) {
  return { email, username, displayName, locale, emailVerifiedAt: emailVerifiedAt?.toISOString() ?? null }
}

/** Invalidates every link sent to the old address, so that its readers lose access, and verifies the new address. */
async function replaceAddress(
  app: App,
  tx: Queryable,
  old: Account,
  updated: User,
  caller: Caller,
): Promise<void> {
  const { id, email, locale } = updated
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
  if (await tx.user.count({ where: { id, ...NEVER_CAME } })) return sendInvitation(app, tx, updated, caller)
  if (updated.emailVerifiedAt || app.config.emailVerification === 'off') return
  const { row, mail } = verificationOf(app, updated, { at, device: null, ipAddress: null })
  await storeToken(tx, row)
  await queueMail(app, tx, mail)
}
