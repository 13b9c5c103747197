import type { ProviderProfile } from '../credentials/provider/provider.ts'

/** A profile in JSON. It must be sealed, because it can contain the provider's tokens. */
export type PackedProfile = Omit<ProviderProfile, 'authTime' | 'tokens'> & {
  authTime: number | null
  tokens: (Omit<NonNullable<ProviderProfile['tokens']>, 'expiresAt'> & { expiresAt: number | null }) | null
}

export function packProfile(profile: ProviderProfile): PackedProfile {
  const { provider, issuer, subject, email, emailTrust, displayName, sid, authTime, tokens } = profile
  return {
    provider,
    issuer,
    subject,
    email,
    emailTrust,
    displayName,
    sid,
    authTime: authTime?.getTime() ?? null,
    tokens: tokens && { ...tokens, expiresAt: tokens.expiresAt?.getTime() ?? null },
  }
}

/** The profile that `packProfile` packed. */
export function unpackProfile(packed: unknown): ProviderProfile {
  const { authTime, tokens, ...profile } = packed as PackedProfile
  return {
    ...profile,
    authTime: toDate(authTime),
    tokens: tokens && { ...tokens, expiresAt: toDate(tokens.expiresAt) },
  }
}

function toDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}
