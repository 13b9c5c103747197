import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { findUser, requireAccount } from '../../accounts/account.ts'
import { requireAddressNotHeld } from '../../accounts/address-hold.ts'
import { displayNameField, emailField, localeField, usernameField } from '../../accounts/fields.ts'
import { NEVER_CAME } from '../../accounts/invited.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { requireSignUpAllowed } from '../../before-sign-up.ts'
import type { Account } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { linkTo, queueMail, requireMail } from '../../mail/outbox.ts'
import { issueToken } from '../../one-time-tokens/token.ts'
import { DEFAULT_ROLE } from '../../permissions/permissions.ts'
import { administer, type Caller } from '../administer.ts'
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
 * Creates an account without a password and emails a link, valid for 7 days, to set one. If the address belongs to an
 * account whose owner has never come, sends that account a new link, which invalidates the old one, and changes nothing
 * else.
 * @throws AuthError BAD_USER_INPUT; FORBIDDEN for roles if the caller lacks `roles:write` or a permission of the roles;
 *   EMAIL_TAKEN, USERNAME_TAKEN, SIGN_UP_REFUSED; CONFLICT if MAIL=off
 */
export async function inviteUser(app: App, input: unknown, caller: Caller): Promise<Account> {
  requireMail(app)
  const invitation = checkInput(schema, input)
  try {
    await requireAddressNotHeld(app, invitation.email.canonical)
    await requireInvitationAllowed(app, invitation, caller)
    return await requireAccount(app, await invite(app, invitation, caller))
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== 'EMAIL_TAKEN') throw error
    const invited = await inviteAgain(app, invitation.email.canonical, caller)
    if (!invited) throw error
    return requireAccount(app, invited)
  }
}

/** Asks about new addresses only: another invitation creates no account. */
async function requireInvitationAllowed(
  app: App,
  { email, username, displayName, locale }: Invitation,
  { request }: Caller,
): Promise<void> {
  if (await findUser(app, 'email', email.canonical)) return
  const person = {
    email: email.typed,
    username: username ?? null,
    displayName: displayName ?? null,
    locale: locale ?? app.config.locales[0],
  }
  await requireSignUpAllowed(app, { ...person, method: 'INVITATION', emailVerified: false }, request)
}

function invite(
  app: App,
  { email, username, displayName, locale, roles: requestedRoles }: Invitation,
  caller: Caller,
): Promise<string> {
  const at = app.clock.now()
  const roles = [...new Set(requestedRoles ?? [DEFAULT_ROLE])].sort()
  return administer(app, caller, 'users:write', async (tx, heldPermissions) => {
    if (requestedRoles && !heldPermissions.includes('roles:write')) {
      throw new AuthError('FORBIDDEN', {
        message: 'You can’t assign roles. Invite this person without roles.',
      })
    }
    await requireGrantable(app, tx, roles, heldPermissions, 'input.roles')
    const user = await tx.user.create({
      data: {
        id: uuidv7(),
        email: email.typed,
        emailCanonical: email.canonical,
        username: username ?? null,
        displayName: displayName ?? null,
        locale: locale ?? app.config.locales[0],
        invitedAt: at,
        createdAt: at,
        updatedAt: at,
        roles: { create: roles.map(roleName => ({ roleName })) },
      },
    })
    await sendInvitation(app, tx, user, caller)
    await recordInvitation(app, tx, user.id, caller, { roles })
    return user.id
  })
}

/** Sends a new link. Returns undefined if the account's owner has come before, or if the account is disabled. */
function inviteAgain(app: App, emailCanonical: string, caller: Caller): Promise<string | undefined> {
  return administer(app, caller, 'users:write', async tx => {
    // The update also locks the row, so that no one sets the password in the meantime.
    const [user] = await tx.user.updateManyAndReturn({
      where: { emailCanonical, ...NEVER_CAME, disabledAt: null },
      data: { invitedAt: app.clock.now() },
    })
    if (!user) return undefined
    await sendInvitation(app, tx, user, caller)
    await recordInvitation(app, tx, user.id, caller, { again: true })
    return user.id
  })
}

/** Emails a link to set the account's first password and invalidates the previous link. */
export async function sendInvitation(
  app: App,
  tx: Queryable,
  { id, email, emailCanonical, locale }: Pick<User, 'id' | 'email' | 'emailCanonical' | 'locale'>,
  { viewer }: Caller,
): Promise<void> {
  const payload = { invitedBy: viewer.account.id }
  const invitation = { purpose: 'invitation', subject: id, userId: id, emailCanonical, payload } as const
  const { token, expiresAt } = await issueToken(app, tx, invitation)
  const data = { link: linkTo(app, 'accept-invitation', token) }
  await queueMail(app, tx, { template: 'invitation', to: email, locale, userId: id, expiresAt, data })
}

export function recordInvitation(
  app: App,
  tx: Queryable,
  subjectId: string,
  { viewer, request }: Caller,
  detail: { roles: string[] } | { again: true },
): Promise<void> {
  const [at, actorId] = [app.clock.now(), viewer.account.id]
  return record(tx, request, { action: 'user.invited', at, actorId, subjectId, detail })
}
