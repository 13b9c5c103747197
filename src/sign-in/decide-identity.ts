import type { EmailTrust } from '../credentials/provider/provider.ts'

/** What decides which account a person at a provider signs in to. */
export type IdentityFacts = {
  /** Whether an account has the identity: the issuer and the subject. An address never identifies anyone. */
  known: boolean
  /** How far the provider's address is relied on; `never` also if it gives none. */
  trust: EmailTrust
  /** The account with the provider's address. Irrelevant unless the address is relied on. */
  account:
    | {
        /** Whether its owner has proved the address. */
        verified: boolean
        /** Whether it has a second factor, or must have one. */
        hasSecondFactor: boolean
        /** Whether a role gives it any permission. */
        hasPermission: boolean
        /** Whether a link can still restore a former address of the account. */
        hasOpenUndo: boolean
      }
    | undefined
  /** The setting PROVIDER_LINKING. */
  linking: 'auto' | 'ask'
}

export type IdentityDecision =
  /** The identity's account signs in. Its own address stays. */
  | 'sign-in'
  /** An account is created with the address, verified. */
  | 'create'
  /** The identity joins the account, whose owner is notified. */
  | 'link'
  /** The account's owner takes it: what strangers may have set up ends. */
  | 'take-over'
  /** The owner signs in another way first, and then connects the identity. */
  | 'ask-to-link'
  /** The person enters an address. Whether the provider's has an account does not matter, and is not revealed. */
  | 'ask-for-address'

/**
 * Who is linked to what. A provider that does not verify addresses could be made to name anyone's (nOAuth), so only an
 * address that it can answer for counts. An account with an unproven address may be a stranger's trap
 * (account pre-hijacking, Sudhodanan and Paverd, arXiv 2205.10174), so nothing is ever linked to one: the owner of the
 * address takes it over instead.
 */
export function decideIdentity({ known, trust, account, linking }: IdentityFacts): IdentityDecision {
  if (known) return 'sign-in'
  if (trust === 'never') return 'ask-for-address'
  if (!account) return 'create'
  if (!account.verified) return account.hasPermission || account.hasOpenUndo ? 'ask-to-link' : 'take-over'
  const isPrivileged = account.hasSecondFactor || account.hasPermission
  return trust === 'authoritative' && linking === 'auto' && !isPrivileged ? 'link' : 'ask-to-link'
}
