import { v7 as uuidv7 } from 'uuid'
import { requireAddressNotHeld } from '../accounts/address-hold.ts'
import { displayNameField } from '../accounts/fields.ts'
import { voidPendingRegistrations } from '../accounts/pending-registration.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import { requireSignUpAllowed } from '../before-sign-up.ts'
import type { RequestInfo } from '../context.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { countProviderOutcome } from '../provider-outcomes.ts'
import type { ProfileAddress } from './identified-account.ts'
import { addIdentity } from './new-identity.ts'

/**
 * Creates the account of an identity whose provider answers for its address. The account has no password, and its
 * address is verified. Of simultaneous registrations, the unique indexes let one create the account; the others change
 * nothing.
 * @throws AuthError REGISTRATION_CLOSED, SIGN_UP_REFUSED; EMAIL_TAKEN for an address that is held for its former owner, from a provider
 *   that verified it only once
 */
export async function registerWithProvider(
  app: App,
  profile: ProviderProfile,
  address: ProfileAddress,
  request: RequestInfo,
): Promise<void> {
  if (!app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
  if (profile.emailTrust !== 'authoritative') await requireAddressNotHeld(app, address.canonical)
  const person = {
    email: address.typed,
    username: null,
    displayName: shownName(profile.displayName),
    locale: app.config.locales[0],
  }
  const { provider } = profile
  await requireSignUpAllowed(app, { ...person, method: 'PROVIDER', provider, emailVerified: true }, request)
  try {
    await create(app, profile, address, request)
    countProviderOutcome(app, profile.provider, 'registered')
  } catch (error) {
    if (violatedUnique(error) === undefined) throw error
  }
}

async function create(
  app: App,
  profile: ProviderProfile,
  { typed, canonical }: ProfileAddress,
  request: RequestInfo,
): Promise<void> {
  const id = uuidv7()
  const now = app.clock.now()
  await app.db.$transaction(async tx => {
    // This comes first, so that of two registrations of one address the unique index lets one continue.
    await tx.user.create({
      data: {
        id,
        email: typed,
        emailCanonical: canonical,
        emailVerifiedAt: now,
        displayName: shownName(profile.displayName),
        locale: app.config.locales[0],
        createdAt: now,
        updatedAt: now,
        roles: { create: [{ roleName: DEFAULT_ROLE }] },
      },
    })
    await addIdentity(app, tx, id, profile)
    const twins = await voidPendingRegistrations(tx, canonical, id)
    const { provider } = profile
    const event = { at: now, actorId: id, subjectId: id }
    await record(
      tx,
      request,
      {
        ...event,
        action: 'user.registered',
        detail: twins.length > 0 ? { provider, twins } : { provider },
      },
      { ...event, action: 'user.email_verified', detail: { provider } },
    )
  })
}

/** The name at the provider, if it can be a display name here. */
export function shownName(name: string | null): string | null {
  return displayNameField.nullable().catch(null).parse(name)
}
