import { createPrivateKey } from 'node:crypto'
import jwt from 'jsonwebtoken'
import type { ProviderSettings } from '../../provider-settings/settings.ts'

const APPLE = 'https://appleid.apple.com'
/** Apple allows six months. A secret is made for each request. */
const LIFETIME_SECONDS = 300

/**
 * The client secret that Apple's token and revocation endpoints demand: a JWT that the team's key signs. `clientId` is
 * the Services ID, or the bundle ID of the app that the code was issued to.
 */
export function appleClientSecret(provider: ProviderSettings, clientId: string, now: Date): string {
  const issuedAt = Math.floor(now.getTime() / 1000)
  return jwt.sign(
    { iss: provider.teamId, iat: issuedAt, exp: issuedAt + LIFETIME_SECONDS, aud: APPLE, sub: clientId },
    createPrivateKey(provider.privateKey ?? ''),
    { algorithm: 'ES256', keyid: provider.keyId ?? '' },
  )
}
