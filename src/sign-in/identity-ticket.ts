import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { Claim } from '../credentials/proof.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { openTicket, sealTicket, TICKET_MAX_LENGTH, TICKETS } from '../crypto/ticket.ts'
import { type PackedProfile, packProfile, unpackProfile } from './packed-profile.ts'
import { flowEnded } from './provider-flow.ts'
import { type SealedTicket, spentTicket } from './sign-in-ticket.ts'

/** Long enough to read an email, or to sign in another way first. */
const TTL_SECONDS = 3600

/** What an identity without an account still needs: an address, or its owner's sign-in to the account that has it. */
export type IdentityStep = 'sign-up' | 'link'

const PURPOSES = { 'sign-up': TICKETS.providerSignUp, link: TICKETS.providerLink } as const

type Payload = { profile: PackedProfile; account: string | null }

/**
 * Seals a proved identity for its next step. `accountId` is the account that it may join. The ticket is a secret of the
 * client that proved the identity, and starts no session by itself.
 */
export function sealIdentity(
  app: App,
  step: IdentityStep,
  profile: ProviderProfile,
  accountId: string | null,
): SealedTicket {
  const expiresAt = addSeconds(app.clock.now(), TTL_SECONDS)
  const seal = (sealed: ProviderProfile) => {
    const payload: Payload = { profile: packProfile(sealed), account: accountId }
    return sealTicket(app.keys.ticket, PURPOSES[step], payload, expiresAt)
  }
  const ticket = seal(profile)
  // Some providers have very long tokens. The identity matters more; its next sign-in brings new ones.
  const fits = ticket.length <= TICKET_MAX_LENGTH
  return { ticket: fits ? ticket : seal({ ...profile, tokens: null }), expiresAt }
}

export type OpenedIdentity = {
  /** The ticket's ID. */
  id: string
  expiresAt: Date
  profile: ProviderProfile
  /** The account with the provider's address, which the identity may join; null if the address is not relied on. */
  accountId: string | null
  /** Uses up the ticket. */
  claim: Claim
}

/**
 * Opens the ticket of an identity that proved itself for one of these steps.
 * @throws AuthError TOKEN_INVALID
 */
export function openIdentity(app: App, ticket: string, ...steps: IdentityStep[]): OpenedIdentity {
  for (const step of steps) {
    const opened = openTicket<Payload>(app.keys.ticket, PURPOSES[step], ticket, app.clock.now())
    if (!opened) continue
    const { id, expiresAt, payload } = opened
    const lost = () => flowEnded('the ticket was used before')
    return {
      id,
      expiresAt,
      profile: unpackProfile(payload.profile),
      accountId: payload.account,
      claim: { ...spentTicket(opened), lost },
    }
  }
  throw flowEnded('the ticket is unknown or expired')
}
