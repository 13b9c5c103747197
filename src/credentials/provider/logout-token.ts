import type { App } from '../../app.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { Claims } from './dialect.ts'
import { providerFailed } from './failure.ts'
import { CLOCK_TOLERANCE_SECONDS } from './verified-claims.ts'
import { verifyToken } from './verify-token.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const TYPE = 'logout+jwt'

/** What has ended at the provider: a session of its own (`sid`), or all of a person's (`subject` alone). */
export type EndedAtProvider = {
  issuer: string
  subject: string | null
  sid: string | null
  jti: string
  /** When the provider announced it, as late as its clock may be wrong. */
  issuedAt: Date
}

/**
 * Verifies a provider's announcement that a person signed out there (OpenID Connect Back-Channel Logout, section 2.6).
 * An announcement that is sent again names the same sessions.
 * @throws AuthError PROVIDER_FAILED, whose cause names the check
 */
export async function verifyLogoutToken(
  app: App,
  provider: ProviderSettings,
  token: string,
): Promise<EndedAtProvider> {
  const { claims, issuer } = await verifyToken(app, provider, token, TYPE)
  const subject = text(claims.sub)
  const sid = text(claims.sid)
  const jti = text(claims.jti)
  // An ID token has a nonce and no event, so it announces nothing.
  const valid =
    isLogout(claims.events) && claims.nonce === undefined && jti !== null && (subject ?? sid) !== null
  if (!valid) throw providerFailed(provider.id, 'logout token')
  // A number: verifyToken has checked it.
  const issuedAt = new Date((Number(claims.iat) + CLOCK_TOLERANCE_SECONDS) * 1000)
  return { issuer, subject, sid, jti, issuedAt }
}

function isLogout(events: unknown): boolean {
  const event = typeof events === 'object' && events !== null ? (events as Claims)[EVENT] : undefined
  return typeof event === 'object' && event !== null
}

function text(value: unknown): string | null {
  const valid = typeof value === 'string' && /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(value)
  return valid ? value : null
}
