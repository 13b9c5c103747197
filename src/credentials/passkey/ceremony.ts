import { hash } from 'node:crypto'
import type {
  AuthenticatorTransport,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { RelyingParty } from '../../relying-party.ts'
import { webauthn } from './library.ts'

/** How long a browser waits for the person. The ticket of the ceremony expires then too. */
export const CEREMONY_TTL_SECONDS = 600

/**
 * EdDSA, ES256 and RS256, the ones that authenticators have. Pinned: the library prefers ML-DSA-44 where the runtime
 * has it, and a replica on an older Node could not verify such a key.
 */
export const KEY_ALGORITHMS = [-8, -7, -257]

/** How a browser recognizes a credential. */
export type CredentialDescriptor = { id: string; transports: readonly string[] }

/** The challenge of a ceremony is the SHA-256 of its ticket, so that a started ceremony stores nothing. */
export function challengeOf(ticket: string): Buffer {
  return hash('sha256', ticket, 'buffer')
}

/** The options to sign in with. Without `allow` the browser offers every passkey it has for the domain. */
export async function authenticationOptions(
  { rpId }: RelyingParty,
  ticket: string,
  {
    allow,
    userVerification,
  }: { allow?: readonly CredentialDescriptor[]; userVerification: 'required' | 'preferred' | 'discouraged' },
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await webauthn()
  return generateAuthenticationOptions({
    rpID: rpId,
    challenge: new Uint8Array(challengeOf(ticket)),
    timeout: CEREMONY_TTL_SECONDS * 1000,
    userVerification,
    ...(allow && { allowCredentials: allow.map(allowed) }),
  })
}

export type NewCredential = {
  /** Opaque and random: an authenticator shows it to anyone who holds it (WebAuthn Level 3, section 14.6.1). */
  userHandle: Uint8Array<ArrayBuffer>
  userName: string
  displayName: string
  /** Those that the account has, so that an authenticator does not make a second one. */
  exclude: readonly CredentialDescriptor[]
  /** Only a second factor: it needs neither to be found without a name nor to verify the person. */
  securityKey: boolean
  /** The browser creates it without a person's touch. */
  automatic: boolean
}

/** The options to create a credential with. */
export async function registrationOptions(
  { rpId, rpName }: RelyingParty,
  ticket: string,
  { userHandle, userName, displayName, exclude, securityKey, automatic }: NewCredential,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await webauthn()
  return generateRegistrationOptions({
    rpID: rpId,
    rpName,
    userID: userHandle,
    userName,
    userDisplayName: displayName,
    challenge: new Uint8Array(challengeOf(ticket)),
    timeout: CEREMONY_TTL_SECONDS * 1000,
    attestationType: 'none',
    excludeCredentials: exclude.map(allowed),
    supportedAlgorithmIDs: KEY_ALGORITHMS,
    extensions: { credProps: true },
    authenticatorSelection: securityKey
      ? { residentKey: 'discouraged', userVerification: 'discouraged' }
      : { residentKey: 'required', userVerification: automatic ? 'preferred' : 'required' },
  })
}

function allowed({ id, transports }: CredentialDescriptor) {
  return { id, transports: [...transports] as AuthenticatorTransport[] }
}
