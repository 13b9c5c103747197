import type { Brand } from '../client/brands.ts'

/** A service that people can sign in with. */
export type ProviderSettings = {
  id: string
  type: Brand | 'oidc'
  /** The brand's own name unless the operator chose another. */
  name: string
}

/** The server's settings that the pages need before their first query; src/http/web.ts writes them into the page. */
export type PageSettings = {
  /** The path under which all pages are: empty, or such as `/auth`. */
  basePath: string
  appName: string
  logoUrl: string | null
  /** As #rrggbb. */
  color: string
  /** The operator's own pages; null if there is none. */
  links: { terms: string | null; privacy: string | null; support: string | null }
  /** Origins that `return_to` may lead to. */
  returnOrigins: string[]
  locales: string[]
  registrationOpen: boolean
  emailVerification: 'off' | 'optional' | 'required'
  /** Whether this server sends email. */
  mail: boolean
  /** In code points. */
  passwordMinLength: number
  passwordMaxLength: number
  /** Whether people can sign in with passkeys, add authenticator apps, and sign in by email. */
  passkeys: boolean
  totp: boolean
  emailLogin: boolean
  /** The other services that people can sign in with, in the order of their buttons. */
  providers: readonly ProviderSettings[]
  /** How long a trusted device skips the second factor. */
  trustedDeviceDays: number
  /** How long the recovery of lost second factors takes; null if this server recovers none. */
  factorRecoveryWaitSeconds: number | null
  /** Whether people can create API keys. */
  apiKeys: boolean
  sandbox: boolean
  /** What the names of the server's cookies begin with. */
  cookiePrefix: string
  /** The origin on which sessions are bound to a key of the browser; null if none are. */
  keyOrigin: string | null
}

declare global {
  /** On the server, which renders pages without a document. */
  var authographSettings: PageSettings | undefined
}

export const settings: PageSettings =
  globalThis.authographSettings ?? JSON.parse(document.getElementById('facts')?.textContent ?? '')
