import { findUserById } from '../accounts/account.ts'
import { voidPendingRegistrations } from '../accounts/pending-registration.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import { requireSignUpAllowed } from '../before-sign-up.ts'
import type { RequestInfo } from '../context.ts'
import type { ProvedEmailLogin } from '../credentials/email-login.ts'
import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { useUp } from './first-mailbox-proof.ts'

/**
 * Creates the account of an address that an emailed code or link has proved. The account has no password. Uses up the
 * email in the same transaction. Of simultaneous registrations, the unique index lets one create the account.
 * @returns undefined if the address has received an account in the meantime
 * @throws AuthError REGISTRATION_CLOSED, SIGN_UP_REFUSED; that of `login.claim` if another request has used up the email
 */
export async function registerWithEmail(
  app: App,
  login: ProvedEmailLogin,
  request: RequestInfo,
): Promise<User | undefined> {
  if (!app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
  const { email, locale } = login
  const person = { email, username: null, displayName: null, locale }
  await requireSignUpAllowed(app, { ...person, method: 'EMAIL', emailVerified: true }, request)
  try {
    await create(app, login, request)
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
    return undefined
  }
  return findUserById(app, login.id)
}

async function create(app: App, login: ProvedEmailLogin, request: RequestInfo): Promise<void> {
  const { id, email, emailCanonical, locale } = login
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    // This comes first, so that of two emails to one address the unique index lets one continue.
    await tx.user.create({
      data: {
        id,
        email,
        emailCanonical,
        emailVerifiedAt: now,
        locale,
        createdAt: now,
        updatedAt: now,
        roles: { create: [{ roleName: DEFAULT_ROLE }] },
      },
    })
    await useUp(tx, login)
    const twins = await voidPendingRegistrations(tx, emailCanonical, id)
    const event = { at: now, actorId: id, subjectId: id }
    await record(
      tx,
      request,
      { ...event, action: 'user.registered', detail: twins.length > 0 ? { twins } : {} },
      { ...event, action: 'user.email_verified' },
    )
  })
}
