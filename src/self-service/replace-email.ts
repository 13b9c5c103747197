import { newCredentialVersion } from '../accounts/credential-version.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import type { Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken } from '../generated/prisma/client.ts'
import type { AddressPayload } from './email-undo-link.ts'

/**
 * Sets the account's email address, verified, to the address that `token` was sent to. Does so only while the account
 * is enabled and matches `where`. The unique index decides whether the address is free.
 * @throws AuthError TOKEN_INVALID if the account no longer matches; EMAIL_TAKEN
 */
export async function replaceEmail(
  app: App,
  tx: Queryable,
  where: { id: string; emailCanonical?: string },
  { emailCanonical, payload }: EmailToken,
  more: { passwordHash?: null } = {},
): Promise<void> {
  const now = app.clock.now()
  const { email } = payload as AddressPayload
  try {
    const changed = await tx.user.updateMany({
      where: { ...where, disabledAt: null },
      data: { ...more, ...newCredentialVersion, email, emailCanonical, emailVerifiedAt: now, updatedAt: now },
    })
    if (changed.count === 0) throw new AuthError('TOKEN_INVALID', { cause: 'the account has changed' })
  } catch (error) {
    throw uniqueNameError(error) ?? error
  }
}
