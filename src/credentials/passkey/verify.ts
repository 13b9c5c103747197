import { createHash } from 'node:crypto'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { RelyingParty } from '../../relying-party.ts'
import { challengeOf, KEY_ALGORITHMS } from './ceremony.ts'
import { webauthn, webauthnHelpers } from './library.ts'

/** A credential whose creation was verified. */
export type CreatedCredential = {
  /** Base64url. */
  credentialId: string
  /** COSE_Key (RFC 9052). */
  publicKey: Uint8Array<ArrayBuffer>
  counter: number
  backupEligible: boolean
  backedUp: boolean
  /** Whether the browser says that it can be found without a name; undefined if it does not say. */
  discoverable: boolean | undefined
  transports: string[]
  /** Names the make of the authenticator; zeros if it does not say. */
  aaguid: string
  userVerified: boolean
}

/** What a verified assertion says. */
export type Assertion = {
  counter: number
  backupEligible: boolean
  backedUp: boolean
  userVerified: boolean
}

/**
 * Verifies the creation of a credential (WebAuthn Level 3, section 7.1), answering the ceremony of `ticket`.
 * `unattended` is the browser's quiet creation after a password sign-in, the only one without a person's touch.
 * Undefined if anything about it is wrong.
 */
export async function verifyCreation(
  { rpId, origins }: RelyingParty,
  ticket: string,
  response: unknown,
  { requireUserVerification, unattended }: { requireUserVerification: boolean; unattended: boolean },
): Promise<CreatedCredential | undefined> {
  const credential = response as RegistrationResponseJSON
  return unlessRefused(async () => {
    const { verifyRegistrationResponse } = await webauthn()
    await refuseFrames(credential.response.clientDataJSON)
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: credential,
      expectedChallenge: Buffer.from(challengeOf(ticket)).toString('base64url'),
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      requireUserPresence: !unattended,
      requireUserVerification: requireUserVerification && !unattended,
      supportedAlgorithmIDs: KEY_ALGORITHMS,
    })
    if (!verified) return undefined
    const { aaguid, userVerified, credentialDeviceType, credentialBackedUp } = registrationInfo
    const { id, publicKey, counter } = registrationInfo.credential
    return {
      credentialId: id,
      publicKey,
      counter,
      backupEligible: credentialDeviceType === 'multiDevice',
      backedUp: credentialBackedUp,
      discoverable: credential.clientExtensionResults?.credProps?.rk,
      transports: (credential.response.transports ?? []).filter(isTransport),
      aaguid,
      userVerified,
    }
  })
}

/**
 * Verifies an assertion (WebAuthn Level 3, section 7.2), answering the ceremony of `ticket`. The counter is returned,
 * not judged: the caller compares it in the statement that stores it. Undefined if anything about it is wrong.
 */
export async function verifyAssertion(
  { rpId, origins }: RelyingParty,
  ticket: string,
  response: unknown,
  { credentialId, publicKey }: { credentialId: string; publicKey: Uint8Array },
): Promise<Assertion | undefined> {
  const credential = response as AuthenticationResponseJSON
  return unlessRefused(async () => {
    const { verifyAuthenticationResponse } = await webauthn()
    await refuseFrames(credential.response.clientDataJSON)
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: credential,
      expectedChallenge: Buffer.from(challengeOf(ticket)).toString('base64url'),
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      requireUserVerification: false,
      // The library throws for a counter that does not rise: 0 leaves the judgment to the caller.
      credential: { id: credentialId, publicKey: new Uint8Array(publicKey), counter: 0 },
    })
    if (!verified) return undefined
    const { newCounter, userVerified, credentialDeviceType, credentialBackedUp } = authenticationInfo
    return {
      counter: newCounter,
      backupEligible: credentialDeviceType === 'multiDevice',
      backedUp: credentialBackedUp,
      userVerified,
    }
  })
}

/**
 * Whether an assertion answers the ceremony of `ticket` in all but its signature, which takes the credential's key. Only
 * then may a client learn that its credential is unknown: a phishing page must not find out which ones exist.
 */
export async function answersCeremony(
  { rpId, origins }: RelyingParty,
  ticket: string,
  response: unknown,
): Promise<boolean> {
  const credential = response as AuthenticationResponseJSON
  const answers = await unlessRefused(async () => {
    const { decodeClientDataJSON, parseAuthenticatorData } = await webauthnHelpers()
    const { clientDataJSON, authenticatorData } = credential.response
    await refuseFrames(clientDataJSON)
    const { type, challenge, origin } = decodeClientDataJSON(clientDataJSON)
    const { rpIdHash, flags } = parseAuthenticatorData(
      new Uint8Array(Buffer.from(authenticatorData, 'base64url')),
    )
    return (
      type === 'webauthn.get' &&
      challenge === Buffer.from(challengeOf(ticket)).toString('base64url') &&
      origins.includes(origin) &&
      createHash('sha256').update(rpId).digest().equals(rpIdHash) &&
      flags.up
    )
  })
  return answers ?? false
}

/** The credential's ID and user handle as the client states them, both base64url; undefined if they are no text. */
export function claimedCredential(
  response: unknown,
): { credentialId: string; userHandle: string | undefined } | undefined {
  const { id, response: inner } = (response ?? {}) as { id?: unknown; response?: { userHandle?: unknown } }
  if (typeof id !== 'string' || id.length === 0 || id.length > 1400) return undefined
  const userHandle = inner?.userHandle
  if (userHandle != null && typeof userHandle !== 'string') return undefined
  return { credentialId: id, userHandle: userHandle || undefined }
}

/** Pages of other sites may show ours in a frame: a ceremony there is not what the person sees. */
async function refuseFrames(clientDataJson: string): Promise<void> {
  const { decodeClientDataJSON } = await webauthnHelpers()
  const { crossOrigin, topOrigin } = decodeClientDataJSON(clientDataJson)
  if (crossOrigin || topOrigin) throw new Error('The ceremony ran in a frame of another origin')
}

/** The library throws for whatever a client got wrong or forged. All of it is one answer. */
async function unlessRefused<Result>(verify: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await verify()
  } catch {
    return undefined
  }
}

const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']

function isTransport(text: unknown): text is string {
  return typeof text === 'string' && TRANSPORTS.includes(text)
}
