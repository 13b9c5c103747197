import { newCredentialVersion } from '../../accounts/credential-version.ts'
import { findIdentity } from '../../accounts/identities.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { RequestInfo, Viewer } from '../../context.ts'
import type { ProviderProfile } from '../../credentials/provider/provider.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Identity, User } from '../../generated/prisma/client.ts'
import { countProviderOutcome } from '../../provider-outcomes.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { notifyOfIdentity } from '../../sign-in/link-to-verified.ts'
import { addIdentity, identityTaken, isIdentityTaken } from '../../sign-in/new-identity.ts'

const IDENTITIES_MAX = 50

/**
 * Connects an identity, which a provider has proved, to the viewer's account, and notifies the owner. `useUp` uses up
 * what proved it, in the same transaction. The caller has required a recent sign-in. An identity that the account already
 * has is returned as it is.
 * @throws AuthError IDENTITY_TAKEN, EMAIL_NOT_VERIFIED; CONFLICT for the 51st identity, or if the account has changed
 *   since the request was authenticated; that of `useUp`
 */
export async function linkToViewer(
  app: App,
  { account }: Viewer,
  profile: ProviderProfile,
  useUp: (tx: Queryable) => Promise<void>,
  request: RequestInfo,
): Promise<Identity> {
  requireLinkable(app, account)
  const known = await findIdentity(app, profile)
  if (known?.account.id === account.id) return known.identity
  if (known) throw identityTaken('found')
  try {
    const identity = await app.db.$transaction(async tx => {
      await lockUnchanged(app, tx, account)
      await useUp(tx)
      return connect(app, tx, account, profile, request)
    })
    countProviderOutcome(app, profile.provider, 'linked')
    return identity
  } catch (error) {
    if (isIdentityTaken(error)) throw identityTaken(error)
    throw error
  }
}

/**
 * Requires what every connection that a person begins requires.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, EMAIL_NOT_VERIFIED
 */
export async function requireMayLink(app: App, viewer: Viewer): Promise<void> {
  await requireRecentSignIn(app, viewer)
  requireLinkable(app, viewer.account)
}

/**
 * Nothing is linked to an address that no one has proved: the person who proves it takes the account over. A server that
 * never verifies addresses links anyway.
 * @throws AuthError EMAIL_NOT_VERIFIED
 */
function requireLinkable({ config }: App, { emailVerifiedAt }: Pick<User, 'emailVerifiedAt'>): void {
  if (emailVerifiedAt || config.emailVerification === 'off') return
  throw new AuthError('EMAIL_NOT_VERIFIED')
}

/** What signs in to the account changes, so every ticket ends. A reset that came first ends the session too. */
async function lockUnchanged(app: App, tx: Queryable, { id, credentialVersion }: User): Promise<void> {
  const { count } = await tx.user.updateMany({
    where: { id, credentialVersion, disabledAt: null },
    data: { ...newCredentialVersion, updatedAt: app.clock.now() },
  })
  if (count === 0) throw new AuthError('CONFLICT', { cause: 'the account has changed' })
}

async function connect(
  app: App,
  tx: Queryable,
  account: User,
  profile: ProviderProfile,
  request: RequestInfo,
): Promise<Identity> {
  const { id } = account
  if ((await tx.identity.count({ where: { userId: id } })) >= IDENTITIES_MAX) {
    throw new AuthError('CONFLICT', { message: 'Your account has too many connections. Remove one first.' })
  }
  const identity = await addIdentity(app, tx, id, profile)
  const detail = { provider: profile.provider, identityId: identity.id }
  const event = { at: app.clock.now(), actorId: id, subjectId: id, detail }
  await record(tx, request, { ...event, action: 'identity.linked' })
  await notifyOfIdentity(app, tx, account, profile, request)
  return identity
}
