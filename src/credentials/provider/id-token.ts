import type { App } from '../../app.ts'
import { addSeconds } from '../../clock.ts'
import { AuthError } from '../../errors.ts'
import { presetOf } from '../../provider-settings/presets.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { Claims } from './dialect.ts'
import { dialectOf } from './dialects/dialects.ts'
import { isUnreachable, providerFailed } from './failure.ts'
import { redeemNativeCode } from './native-code.ts'
import { isNonceClaim, readNonce } from './nonce.ts'
import { nameOf, toProfile } from './profile.ts'
import type { ProviderProfile } from './provider.ts'
import { useOnce } from './used-nonce.ts'
import { subjectOf } from './verified-claims.ts'
import { type VerifiedToken, verifyToken } from './verify-token.ts'

/** How old an ID token may be that has no nonce of this server (NONCE=optional). */
const AGE_MAX_SECONDS = 300
/** Covers the age and the difference of the clocks. */
const REMEMBERED_SECONDS = 900

export type NativeProof = {
  idToken: string
  nonce?: string | null | undefined
  /** Apple's, for tokens that can be revoked later. */
  authorizationCode?: string | null | undefined
  /** Apple gives it to the app only, once. Not proved. */
  displayName?: string | null | undefined
}

/**
 * Verifies an ID token that an app received from the provider's own sign-in on the device. It must be for this server or
 * one of its apps, and have a nonce of this server, raw or as SHA-256 in hexadecimal, that was not used before. With
 * NONCE=optional, a token without a nonce counts once, for 5 minutes.
 * @throws AuthError INVALID_CREDENTIALS if the token proves nothing; TOKEN_INVALID if the nonce has expired or was used;
 *   PROVIDER_FAILED if the provider's keys cannot be fetched
 */
export async function verifyIdToken(
  app: App,
  provider: ProviderSettings,
  proof: NativeProof,
): Promise<ProviderProfile> {
  const { issuer, claims } = await verified(app, provider, proof.idToken)
  await useProof(app, provider, proof, claims)
  const tokens = proof.authorizationCode
    ? await redeemNativeCode(app, provider, proof.authorizationCode, claims)
    : null
  const said = await dialectOf(provider).read(provider, claims, undefined)
  const statement = { ...said, displayName: nameOf(said.displayName) ?? proof.displayName }
  return toProfile(provider, { issuer, claims, statement, tokens })
}

async function verified(app: App, provider: ProviderSettings, idToken: string): Promise<VerifiedToken> {
  try {
    if (!presetOf(provider.type).idTokens) throw providerFailed(provider.id, 'missing ID token')
    const token = await verifyToken(app, provider, idToken)
    subjectOf(provider, token.claims.sub)
    return token
  } catch (error) {
    if (!(error instanceof AuthError) || isUnreachable(error)) throw error
    throw refused(error.cause)
  }
}

/** Settles with one statement which of several uses of the nonce, or of the token, is the first. */
async function useProof(
  app: App,
  provider: ProviderSettings,
  proof: NativeProof,
  claims: Claims,
): Promise<void> {
  const { nonce, idToken } = proof
  if (nonce) {
    const expiresAt = readNonce(app, nonce)
    if (!expiresAt) throw deadNonce()
    if (!isNonceClaim(claims.nonce, nonce)) throw refused(providerFailed(provider.id, 'claim nonce').cause)
    if (!(await useOnce(app, 'nonce', nonce, expiresAt))) throw deadNonce()
    return
  }
  if (provider.nonce === 'required') throw refused(providerFailed(provider.id, 'claim nonce').cause)
  const now = app.clock.now()
  if (typeof claims.iat !== 'number' || claims.iat < addSeconds(now, -AGE_MAX_SECONDS).getTime() / 1000) {
    throw refused(providerFailed(provider.id, 'claim iat').cause)
  }
  // Without the signature, which can have several forms for one content.
  const content = idToken.slice(0, idToken.lastIndexOf('.'))
  if (!(await useOnce(app, 'ID token', content, addSeconds(now, REMEMBERED_SECONDS)))) throw deadNonce()
}

function refused(cause: unknown): AuthError {
  return new AuthError('INVALID_CREDENTIALS', {
    message: 'The provider’s sign-in was not accepted. Try again, or sign in another way.',
    cause,
  })
}

function deadNonce(): AuthError {
  return new AuthError('TOKEN_INVALID', { message: 'This sign-in is no longer valid. Try again.' })
}
