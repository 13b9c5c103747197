/** How far the email address that a provider reports is relied on. */
export type EmailTrust = 'authoritative' | 'verified' | 'never'

/** What a preset sets for a provider, unless a setting says otherwise. */
export type Preset = {
  name: string
  /** The issuer, or the base URL for providers without OpenID Connect. Undefined: must be set. */
  issuer: string | undefined
  scopes: readonly string[]
  /** Whether the provider's server requires a secret of this client. */
  secret: 'required' | 'optional' | 'none'
  /** Whether `signInWithIdToken` accepts the provider's ID tokens. */
  idTokens: boolean
}

/**
 * The providers that this server knows, and `oidc` for any other OpenID Connect provider. Each value is from the
 * provider's own documentation; docs/providers has a page for each.
 */
export const presets = {
  google: {
    name: 'Google',
    issuer: 'https://accounts.google.com',
    scopes: ['openid', 'email', 'profile'],
    secret: 'required',
    idTokens: true,
  },
  apple: {
    name: 'Apple',
    issuer: 'https://appleid.apple.com',
    scopes: ['name', 'email'],
    secret: 'none',
    idTokens: true,
  },
  microsoft: {
    name: 'Microsoft',
    issuer: 'https://login.microsoftonline.com',
    scopes: ['openid', 'email', 'profile'],
    secret: 'required',
    idTokens: true,
  },
  github: {
    name: 'GitHub',
    issuer: 'https://github.com',
    scopes: ['read:user', 'user:email'],
    secret: 'required',
    idTokens: false,
  },
  gitlab: {
    name: 'GitLab',
    issuer: 'https://gitlab.com',
    scopes: ['openid', 'email', 'profile'],
    secret: 'optional',
    idTokens: true,
  },
  discord: {
    name: 'Discord',
    issuer: 'https://discord.com',
    scopes: ['identify', 'email'],
    secret: 'required',
    idTokens: false,
  },
  facebook: {
    name: 'Facebook',
    issuer: 'https://www.facebook.com',
    scopes: ['public_profile', 'email'],
    secret: 'required',
    idTokens: true,
  },
  kakao: {
    name: 'Kakao',
    issuer: 'https://kauth.kakao.com',
    scopes: ['openid', 'account_email', 'profile_nickname'],
    secret: 'optional',
    idTokens: true,
  },
  naver: {
    name: 'Naver',
    issuer: 'https://nid.naver.com',
    scopes: [],
    secret: 'required',
    idTokens: false,
  },
  line: {
    name: 'LINE',
    issuer: 'https://access.line.me',
    scopes: ['openid', 'email', 'profile'],
    secret: 'required',
    idTokens: true,
  },
  oidc: {
    name: '',
    issuer: undefined,
    scopes: ['openid', 'email', 'profile'],
    secret: 'optional',
    idTokens: true,
  },
} as const satisfies Record<string, Preset>

export type ProviderType = keyof typeof presets

/** The preset of a type. */
export function presetOf(type: ProviderType): Preset {
  return presets[type]
}
