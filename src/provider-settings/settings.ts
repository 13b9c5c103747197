import type { EmailTrust, ProviderType } from './presets.ts'

/** The settings of one provider that people can sign in with. */
export type ProviderSettings = {
  /** As `PROVIDERS` lists it. Part of the callback's path. */
  readonly id: string
  readonly type: ProviderType
  /** The name that people see. */
  readonly name: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** The issuer, or the base URL for providers without OpenID Connect. No slash is added or removed. */
  readonly issuer: string
  readonly scopes: readonly string[]
  /** Further audiences of ID tokens: the client IDs of apps. */
  readonly nativeClientIds: readonly string[]
  /** Overrides the preset's rule on which addresses are relied on. Undefined: the preset's rule. */
  readonly email: EmailTrust | undefined
  /** Whether an ID token from an app must have a nonce of this server. */
  readonly nonce: 'required' | 'optional'
  /** Whether the provider's tokens are kept, sealed. Always for Apple, whose tokens must be revoked. */
  readonly keepTokens: boolean
  /** Microsoft: the tenants whose accounts can sign in: IDs, or one of common, organizations and consumers. */
  readonly tenants: readonly string[]
  /** Apple: the team, the ID of the key, and the key as PEM, which sign the client secret. */
  readonly teamId: string | undefined
  readonly keyId: string | undefined
  readonly privateKey: string | undefined
}
