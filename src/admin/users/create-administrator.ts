import { z } from 'zod'
import { displayNameField, emailField, usernameField } from '../../accounts/fields.ts'
import { uniqueNameError } from '../../accounts/unique-names.ts'
import type { App } from '../../app.ts'
import { NO_REQUEST, record } from '../../audit/record.ts'
import { passwordField, requireAcceptablePassword } from '../../credentials/password/new-password.ts'
import { checkInput } from '../../input.ts'
import { ADMIN_ROLE, DEFAULT_ROLE } from '../../permissions/permissions.ts'

const schema = z.object({
  email: emailField,
  password: passwordField,
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
})

/**
 * Creates an administrator and returns its ID. Only the operator, who owns the database, can run this, so the address
 * counts as verified.
 * @throws AuthError BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN
 */
export async function createAdministrator(app: App, input: unknown): Promise<string> {
  const { email, password, username, displayName } = checkInput(schema, input)
  await requireAcceptablePassword(app, password, 'input.password', [email.typed, username, displayName])
  const passwordHash = await app.hasher.hash(password)
  const now = app.clock.now()
  try {
    return await app.db.$transaction(async tx => {
      const { id } = await tx.user.create({
        data: {
          email: email.typed,
          emailCanonical: email.canonical,
          emailVerifiedAt: now,
          username: username ?? null,
          displayName: displayName ?? null,
          locale: app.config.locales[0],
          passwordHash,
          passwordChangedAt: now,
          createdAt: now,
          updatedAt: now,
          roles: { create: [{ roleName: DEFAULT_ROLE }, { roleName: ADMIN_ROLE }] },
        },
      })
      await record(tx, NO_REQUEST, {
        action: 'user.created',
        at: now,
        subjectId: id,
        detail: { roles: [ADMIN_ROLE, DEFAULT_ROLE] },
      })
      return id
    })
  } catch (error) {
    throw uniqueNameError(error) ?? error
  }
}
