import type { App } from '../../app.ts'
import type { EmailTrust } from '../../provider-settings/presets.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'

export type { EmailTrust } from '../../provider-settings/presets.ts'
export type { ProviderSettings } from '../../provider-settings/settings.ts'

/** Tokens that a provider issued to this server. */
export type ProviderTokens = {
  /** The client that they were issued to: this server, or an app of NATIVE_CLIENT_IDS. */
  readonly clientId: string
  readonly accessToken: string
  readonly refreshToken: string | null
  /** When the access token expires, if the provider says so. */
  readonly expiresAt: Date | null
  readonly scopes: readonly string[]
}

/** What a provider says about a person, verified. */
export type ProviderProfile = {
  /** The provider's ID in the settings. */
  readonly provider: string
  /** With `subject`, identifies the person. An email address never does. */
  readonly issuer: string
  readonly subject: string
  /** As the provider spells it. Null if it gives none. */
  readonly email: string | null
  /** `never` if there is no address. */
  readonly emailTrust: EmailTrust
  readonly displayName: string | null
  /** The provider's ID of the session, for back-channel logout. */
  readonly sid: string | null
  /** Null unless this server keeps the provider's tokens. */
  readonly tokens: ProviderTokens | null
  /** When the person proved to the provider who they are, if the provider says so. */
  readonly authTime: Date | null
}

/** What a flow keeps between its start and its callback. All three are random and used once. */
export type FlowSecrets = {
  readonly state: string
  readonly nonce: string
  /** The verifier of the exchange with the provider (RFC 7636). The client has its own. */
  readonly verifier: string
}

/** The provider with this ID, or undefined if the settings list none. */
export function findProvider(app: App, id: string): ProviderSettings | undefined {
  return app.config.providers.find(provider => provider.id === id)
}

/** The path of the page at this server that a provider returns people to. Each provider has its own, against mix-up. */
export function callbackPath(provider: ProviderSettings): string {
  return `/sign-in/callback/${provider.id}`
}

/** The `redirect_uri` to register with a provider. Always from PUBLIC_URL, never from a request. */
export function redirectUriOf(app: App, provider: ProviderSettings): string {
  return `${app.config.publicUrl}${callbackPath(provider)}`
}
