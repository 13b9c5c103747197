import { z } from 'zod'
import { displayNameField, emailField, usernameField } from '../accounts/fields.ts'
import { takenName } from '../accounts/taken.ts'
import type { App } from '../app.ts'
import { NOWHERE, record } from '../audit/record.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { passwordField, requireGoodPassword } from '../passwords/new-password.ts'
import { ADMIN_ROLE, DEFAULT_ROLE } from '../permissions/permissions.ts'

const schema = z.object({
  email: emailField,
  password: passwordField,
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
})

/**
 * Makes an account that may do everything, and returns its id. Whoever can run this owns the database,
 * so the address counts as verified.
 * @throws AuthError BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN
 */
export async function createAdministrator(app: App, input: unknown): Promise<string> {
  const { email, password, username, displayName } = checkInput(schema, input)
  await requireGoodPassword(app, password, 'input.password', [email.typed, username, displayName])
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
      await record(tx, NOWHERE, {
        action: 'user.created',
        at: now,
        subjectId: id,
        detail: { roles: [ADMIN_ROLE, DEFAULT_ROLE] },
      })
      return id
    })
  } catch (error) {
    throw takenName(error) ?? error
  }
}

/**
 * Makes an account that exists an administrator and returns it; undefined where the address has no
 * account. Its password stays, and it stays disabled if it is.
 * @throws AuthError BAD_USER_INPUT
 */
export async function promoteToAdministrator(app: App, address: string): Promise<User | undefined> {
  const { email } = checkInput(z.object({ email: emailField }), { email: address })
  const user = await app.db.user.findUnique({ where: { emailCanonical: email.canonical } })
  if (!user) return undefined
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    const granted = await tx.userRole.createMany({
      data: [{ userId: user.id, roleName: ADMIN_ROLE }],
      skipDuplicates: true,
    })
    if (granted.count === 0) return
    await record(tx, NOWHERE, {
      action: 'user.roles_changed',
      at: now,
      subjectId: user.id,
      detail: { added: ADMIN_ROLE },
    })
  })
  return user
}
