import { z } from 'zod'
import { requireAccount } from '../accounts/account.ts'
import { displayNameField, localeField, metadataField, usernameField } from '../accounts/fields.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import { checkInput } from '../input.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { requireSecondFactorIfAny } from '../sessions/assurance.ts'

const schema = z.object({
  displayName: displayNameField.nullish(),
  username: usernameField.nullish(),
  locale: localeField.nullish(),
  publicMetadata: metadataField.nullish(),
})

/**
 * Changes the fields that the input contains. An account with a second factor must have proved it recently for another
 * username, with which it signs in.
 * @throws AuthError BAD_USER_INPUT, STEP_UP_REQUIRED, USERNAME_TAKEN, RATE_LIMITED; UNAUTHENTICATED if the account has been deleted
 */
export async function updateProfile(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Account> {
  const { displayName, username, locale, publicMetadata } = checkInput(schema, input)
  const { id } = viewer.account
  const renames = username !== undefined && username !== viewer.account.username
  if (renames) await requireSecondFactorIfAny(app, viewer)
  await countAttempt(app, [{ rule: 'profile.account', subject: id }], request)
  const now = app.clock.now()
  const changes = {
    ...(displayName !== undefined && { displayName }),
    ...(username !== undefined && { username }),
    ...(locale && { locale }),
    ...(publicMetadata && { publicMetadata }),
  }
  try {
    await app.db.$transaction(async tx => {
      const changed = await tx.user.updateMany({ where: { id }, data: { ...changes, updatedAt: now } })
      // The account was deleted after the request was authenticated.
      if (changed.count === 0) throw unauthenticated('REVOKED')
      await record(tx, request, {
        action: 'user.profile_updated',
        at: now,
        actorId: id,
        subjectId: id,
        detail: { fields: Object.keys(changes) },
      })
    })
  } catch (error) {
    throw uniqueNameError(error) ?? error
  }
  return requireAccount(app, id)
}
