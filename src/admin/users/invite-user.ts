import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { requireAccount } from '../../accounts/account.ts'
import { requireAddressNotHeld } from '../../accounts/address-hold.ts'
import { displayNameField, emailField, localeField, usernameField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Account } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { linkTo, queueMail, requireMail } from '../../mail/outbox.ts'
import { issueToken } from '../../one-time-tokens/token.ts'
import { DEFAULT_ROLE } from '../../permissions/permissions.ts'
import { type Acting, administer } from '../administer.ts'
import { requireGrantable } from '../roles/set-user-roles.ts'

const schema = z.object({
  email: emailField,
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
  locale: localeField.nullish(),
  roles: z.array(z.string()).nullish(),
})

type Invitation = z.output<typeof schema>

/**
 * Makes an account without a password and mails a link to set one, good for 7 days. An address whose account has no
 * password yet is sent a new link, which ends the older one; that account stays as it is.
 * @throws AuthError BAD_USER_INPUT; FORBIDDEN for roles without `roles:write` or beyond one's own; EMAIL_TAKEN,
 *   USERNAME_TAKEN; CONFLICT where MAIL=off
 */
export async function inviteUser(app: App, input: unknown, acting: Acting): Promise<Account> {
  requireMail(app)
  const invitation = checkInput(schema, input)
  try {
    await requireAddressNotHeld(app, invitation.email.canonical)
    return await requireAccount(app, await invite(app, invitation, acting))
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== 'EMAIL_TAKEN') throw error
    const invited = await inviteAgain(app, invitation.email.canonical, acting)
    if (!invited) throw error
    return requireAccount(app, invited)
  }
}

function invite(
  app: App,
  { email, username, displayName, locale, roles: named }: Invitation,
  acting: Acting,
): Promise<string> {
  const at = app.clock.now()
  const roles = [...new Set(named ?? [DEFAULT_ROLE])].sort()
  return administer(app, acting, 'users:write', async (tx, held) => {
    if (named && !held.includes('roles:write')) {
      throw new AuthError('FORBIDDEN', {
        message: 'Your account is not allowed to give roles. Invite without them.',
      })
    }
    await requireGrantable(app, tx, roles, held, 'input.roles')
    const user = await tx.user.create({
      data: {
        id: uuidv7(),
        email: email.typed,
        emailCanonical: email.canonical,
        username: username ?? null,
        displayName: displayName ?? null,
        locale: locale ?? app.config.locales[0],
        createdAt: at,
        updatedAt: at,
        roles: { create: roles.map(roleName => ({ roleName })) },
      },
    })
    await sendInvitation(app, tx, user)
    await recordInvitation(app, tx, user.id, acting, { roles })
    return user.id
  })
}

/** Undefined where the account has a password, or is disabled. */
function inviteAgain(app: App, emailCanonical: string, acting: Acting): Promise<string | undefined> {
  return administer(app, acting, 'users:write', async tx => {
    // The row stays as it is: locked, so that the password is not set meanwhile.
    const [user] = await tx.user.updateManyAndReturn({
      where: { emailCanonical, passwordHash: null, disabledAt: null },
      data: { emailCanonical },
    })
    if (!user) return undefined
    await sendInvitation(app, tx, user)
    await recordInvitation(app, tx, user.id, acting, { again: true })
    return user.id
  })
}

/** Mails the account a link to set its first password, and ends the one before. */
export async function sendInvitation(
  app: App,
  tx: Queryable,
  { id, email, emailCanonical, locale }: Pick<User, 'id' | 'email' | 'emailCanonical' | 'locale'>,
): Promise<void> {
  const wanted = { purpose: 'invitation', subject: id, userId: id, emailCanonical } as const
  const { token, expiresAt } = await issueToken(app, tx, wanted)
  const data = { link: linkTo(app, 'accept-invitation', token) }
  await queueMail(app, tx, { template: 'invitation', to: email, locale, userId: id, expiresAt, data })
}

function recordInvitation(
  app: App,
  tx: Queryable,
  subjectId: string,
  { viewer, request }: Acting,
  detail: { roles: string[] } | { again: true },
): Promise<void> {
  const [at, actorId] = [app.clock.now(), viewer.account.id]
  return record(tx, request, { action: 'user.invited', at, actorId, subjectId, detail })
}
