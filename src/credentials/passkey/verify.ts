import type { RegistrationResponseJSON } from '@simplewebauthn/server'
import type { RelyingParty } from '../../relying-party.ts'
import { challengeOf, KEY_ALGORITHMS } from './ceremony.ts'
import { webauthn, webauthnHelpers } from './library.ts'
import { refuseFrame, unlessRefused } from './refuse.ts'

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
    const { decodeClientDataJSON } = await webauthnHelpers()
    refuseFrame(decodeClientDataJSON(credential.response.clientDataJSON))
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: credential,
      expectedChallenge: challengeOf(ticket).toString('base64url'),
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

const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']

function isTransport(text: unknown): text is string {
  return typeof text === 'string' && TRANSPORTS.includes(text)
}
