import type { ServerMetadata } from 'openid-client'
import type { EmailTrust } from '../../provider-settings/presets.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'

/** Claims of a verified token, or what a provider's API says. Each value is unchecked. */
export type Claims = Readonly<Record<string, unknown>>

/** What a provider says about a person, before this server decides how far to rely on it. */
export type Statement = {
  readonly subject: unknown
  readonly email: unknown
  /** Whether the provider says that the address was verified. Undefined: it does not say. */
  readonly emailVerified: boolean | undefined
  readonly displayName: unknown
}

/** Gets JSON from a provider's API with the person's access token. @throws AuthError PROVIDER_FAILED */
export type ApiCall = (url: string) => Promise<unknown>

/** How a kind of provider differs from one that follows OpenID Connect to the letter. */
export type Dialect = {
  /** `claims`: an ID token proves the person. `api`: the provider speaks OAuth 2 only, and its API does. */
  readonly proof: 'claims' | 'api'
  /** The issuer to discover the metadata of. By default, the issuer in the settings. */
  readonly discoverAt?: (provider: ProviderSettings) => string
  /** The metadata of a provider that publishes none, or not enough of it. */
  readonly metadata?: (provider: ProviderSettings) => ServerMetadata
  /** The algorithm of ID tokens. Undefined: any asymmetric one that the provider announces. */
  readonly algorithm?: string
  /** Whether to ask the user info endpoint for the address or the name that the ID token lacks. */
  readonly userInfo?: boolean
  /** Set if the callback arrives as a POST. */
  readonly responseMode?: 'form_post'
  readonly scopeSeparator?: ' ' | ','
  /** Authorization parameters by which the provider makes the person prove again who they are. */
  readonly freshSignIn?: Readonly<Record<string, string>>
  /** Authorization parameters by which the provider issues a refresh token, if the tokens are kept. */
  readonly offlineAccess?: Readonly<Record<string, string>>
  /** Authorization parameters by which the person chooses the account. */
  readonly chooseAccount?: Readonly<Record<string, string>>
  /** The authorization parameter for the address to sign in with. Null: there is none. By default, `login_hint`. */
  readonly loginHint?: string | null
  /** Further parameters of the token request. */
  readonly tokenParameters?: (state: string) => Record<string, string>
  /** The issuer that an ID token must name, if the token decides it. Undefined: the token is refused. */
  readonly issuerOf?: (provider: ProviderSettings, claims: Claims) => string | undefined
  /**
   * Reads what the provider says, from a verified ID token or from the API. `api` is undefined for an ID token from an
   * app, which comes without an access token.
   */
  readonly read: (
    provider: ProviderSettings,
    claims: Claims,
    api: ApiCall | undefined,
  ) => Statement | Promise<Statement>
  /** How far an address that the provider does not call unverified is relied on, unless a setting decides. */
  readonly trust: (statement: Statement & { email: string }, claims: Claims) => EmailTrust
}

/** A flag that some providers send as text. Undefined if it is neither. */
export function flag(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  return undefined
}

/** The part of an address after the `@`, in lowercase. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase()
}

/** The base URL in the settings, without a slash at its end. */
export function baseOf(provider: ProviderSettings): string {
  return provider.issuer.replace(/\/+$/, '')
}

/** An object of the API, or an empty one for anything else. */
export function record(value: unknown): Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {}
}

/** What the standard claims say (OpenID Connect Core, section 5.1). */
export function standardStatement(claims: Claims): Statement {
  return {
    subject: claims.sub,
    email: claims.email,
    emailVerified: flag(claims.email_verified),
    displayName: claims.name,
  }
}
