import type { App } from '../../app.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { Claims } from './dialect.ts'
import { dialectOf } from './dialects/dialects.ts'
import type { ProviderClient } from './discovery.ts'
import { providerFailed } from './failure.ts'

/** Clocks differ. Providers recommend at most a few minutes. */
export const CLOCK_TOLERANCE_SECONDS = 60
/** OpenID Connect Core, section 2. */
const SUBJECT_MAX_LENGTH = 255

/**
 * Checks the claims of a token whose signature is verified (OpenID Connect Core, section 3.1.3.7). `audiences` are the
 * clients that the token may be for; a token for several clients must name one of ours as the party it was issued to.
 * Returns the issuer.
 * @throws AuthError PROVIDER_FAILED whose cause names the claim
 */
export function checkClaims(
  app: App,
  provider: ProviderSettings,
  { metadata }: ProviderClient,
  claims: Claims,
  audiences: readonly string[],
): string {
  const fail = (check: Parameters<typeof providerFailed>[1]) => providerFailed(provider.id, check)
  const dialect = dialectOf(provider)
  const issuer = dialect.issuerOf ? dialect.issuerOf(provider, claims) : metadata.issuer
  if (issuer === undefined) throw fail('tenant')
  if (claims.iss !== issuer) throw fail('claim iss')
  checkAudience(claims, audiences, fail)
  const nowSeconds = app.clock.now().getTime() / 1000
  if (!isTime(claims.exp) || claims.exp <= nowSeconds - CLOCK_TOLERANCE_SECONDS) throw fail('claim exp')
  if (!isTime(claims.iat) || claims.iat > nowSeconds + CLOCK_TOLERANCE_SECONDS) throw fail('claim iat')
  if (claims.auth_time !== undefined && !isTime(claims.auth_time)) throw fail('claim auth_time')
  return issuer
}

function checkAudience(
  { aud, azp }: Claims,
  audiences: readonly string[],
  fail: (check: 'claim aud' | 'claim azp') => Error,
): void {
  const named = typeof aud === 'string' ? [aud] : aud
  if (!Array.isArray(named) || !named.some(audience => audiences.includes(audience as string))) {
    throw fail('claim aud')
  }
  const isParty = typeof azp === 'string' && audiences.includes(azp)
  if (azp !== undefined && !isParty) throw fail('claim azp')
  if (named.length > 1 && !isParty) throw fail('claim azp')
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 8.64e12
}

/** The subject, if it can identify a person. @throws AuthError PROVIDER_FAILED */
export function subjectOf(provider: ProviderSettings, subject: unknown): string {
  const valid =
    typeof subject === 'string' &&
    subject.length > 0 &&
    subject.length <= SUBJECT_MAX_LENGTH &&
    !/[\p{Cc}\p{Cs}]/u.test(subject)
  if (!valid) throw providerFailed(provider.id, 'claim sub')
  return subject
}
