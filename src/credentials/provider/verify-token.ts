import type { App } from '../../app.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { Claims } from './dialect.ts'
import { clientOf } from './discovery.ts'
import { providerFailed, toProviderError } from './failure.ts'
import { jose } from './library.ts'
import { checkClaims } from './verified-claims.ts'

/** Longer than any token of a provider. */
const TOKEN_MAX_LENGTH = 16_384

/** Types that say what else a token is for (RFC 8725, section 3.11). */
const OTHER_TYPES = ['at+jwt', 'logout+jwt', 'dpop+jwt']

export type VerifiedToken = { claims: Claims; issuer: string }

/**
 * Verifies a token that a provider signed and a client brought: signature, algorithm, issuer, audience and times. Keys
 * come from the provider's key set only, never from the token's header. `type` is the token's own type, if it has one.
 * @throws AuthError PROVIDER_FAILED, whose cause names the check
 */
export async function verifyToken(
  app: App,
  provider: ProviderSettings,
  token: string,
  type?: string,
): Promise<VerifiedToken> {
  if (token.length > TOKEN_MAX_LENGTH) throw providerFailed(provider.id, 'malformed token')
  const client = await clientOf(app, provider)
  if (!client.keys) throw providerFailed(provider.id, 'algorithm')
  const { decodeProtectedHeader, jwtVerify } = await jose()
  if (isOfOtherUse(() => decodeProtectedHeader(token), type))
    throw providerFailed(provider.id, 'malformed token')
  let claims: Claims
  try {
    const verified = await jwtVerify(token, client.keys, {
      algorithms: [...client.algorithms],
      currentDate: app.clock.now(),
      clockTolerance: '1 minute',
    })
    claims = verified.payload
  } catch (error) {
    throw toProviderError(provider.id, error)
  }
  const audiences = [provider.clientId, ...provider.nativeClientIds]
  return { claims, issuer: checkClaims(app, provider, client, claims, audiences) }
}

/** A token of another type was not made to prove this, and other text is no token. Many providers say JWT, or nothing. */
function isOfOtherUse(header: () => { typ?: string }, type: string | undefined): boolean {
  try {
    const named = header()
      .typ?.toLowerCase()
      .replace(/^application\//, '')
    return named !== undefined && named !== type && OTHER_TYPES.includes(named)
  } catch {
    return true
  }
}
