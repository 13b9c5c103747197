import { canonicalEmail, displayEmail } from '../../accounts/email.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { Claims, Statement } from './dialect.ts'
import { dialectOf } from './dialects/dialects.ts'
import type { EmailTrust, ProviderProfile, ProviderTokens } from './provider.ts'
import { subjectOf } from './verified-claims.ts'

const DISPLAY_NAME_MAX_LENGTH = 100
const SID_MAX_LENGTH = 255

export type Sources = {
  issuer: string
  /** The claims of the ID token; empty if an API proved the person. */
  claims: Claims
  statement: Statement
  tokens: ProviderTokens | null
}

/**
 * What a provider says, in the form that the sign-in decides on. An address that is none, or that the provider calls
 * unverified, is never relied on. Neither is one that is spelled in another way than this server spells it: a provider
 * can take `ﬁ@example.com` for another mailbox than `fi@example.com`, which is what it becomes here.
 * @throws AuthError PROVIDER_FAILED if there is no subject
 */
export function toProfile(provider: ProviderSettings, sources: Sources): ProviderProfile {
  const { issuer, claims, statement, tokens } = sources
  const email = addressOf(statement.email)
  return {
    provider: provider.id,
    issuer,
    subject: subjectOf(provider, statement.subject),
    email,
    emailTrust:
      email !== null && email === statement.email
        ? trustOf(provider, { ...statement, email }, claims)
        : 'never',
    displayName: nameOf(statement.displayName),
    sid: sidOf(claims.sid),
    tokens: provider.keepTokens ? tokens : null,
    authTime: typeof claims.auth_time === 'number' ? new Date(claims.auth_time * 1000) : null,
  }
}

function trustOf(
  provider: ProviderSettings,
  statement: Statement & { email: string },
  claims: Claims,
): EmailTrust {
  if (statement.emailVerified === false) return 'never'
  return provider.email ?? dialectOf(provider).trust(statement, claims)
}

function addressOf(email: unknown): string | null {
  if (typeof email !== 'string' || canonicalEmail(email) === undefined) return null
  return displayEmail(email)
}

/** The name as one line for display, cut if it is long. Null if nothing is left. */
export function nameOf(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const line = name
    .slice(0, 1000)
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .normalize('NFC')
    .trim()
  return [...line].slice(0, DISPLAY_NAME_MAX_LENGTH).join('').slice(0, DISPLAY_NAME_MAX_LENGTH).trim() || null
}

function sidOf(sid: unknown): string | null {
  const valid = typeof sid === 'string' && sid.length <= SID_MAX_LENGTH && /^[^\p{Cc}\p{Cs}]+$/u.test(sid)
  return valid ? sid : null
}
