import type * as Generated from './generated/operations.ts'
import type { LoginResult, Session, SignedIn, VerificationRequired } from './types.ts'

/** A person's account at a provider, which signs in to their account here. */
export type Identity = Generated.IdentityFieldsFragment

/**
 * The provider gives no address that can be relied on. Ask for one, and call `completeSignUp`; `email` and `displayName`
 * are what the provider suggests. No session has started.
 */
export type ProviderSignUp = {
  readonly status: 'providerSignUp'
  readonly ticket: string
  readonly provider: string
  readonly email: string | null
  readonly displayName: string | null
  readonly expiresAt: string
}
/** The address has an account: sign in to it, then call `linkIdentity` with the ticket. No session has started. */
export type ProviderLink = {
  readonly status: 'providerLink'
  readonly ticket: string
  readonly provider: string
  readonly email: string
  readonly expiresAt: string
}
export type ProviderLoginResult = LoginResult | ProviderSignUp | ProviderLink

export type CompleteSignUpInput = Omit<Generated.CompleteSignUpInput, 'tokenTransport' | 'deviceToken'>

/** Opens the provider's page and resolves to the address that it leads back to; to null if the person closes it. */
export type OpenBrowser = (url: string, returnTo: string) => Promise<string | null | undefined>

/** Keeps what a sign-in needs when it returns. `sessionStorage` in pages; memory elsewhere. */
export type FlowStorage = {
  get(): string | null | Promise<string | null>
  set(text: string): void | Promise<void>
  remove(): void | Promise<void>
}

/** For platforms without the Web Crypto API, such as React Native. */
export type FlowCrypto = {
  randomBytes(count: number): Uint8Array
  /** The SHA-256 digest of an ASCII text, in Base64. */
  sha256(text: string): Promise<string>
}

export type ProviderOptions = {
  /**
   * Where people return: a page that calls `handleReturn`, at the server's own origin or one of RETURN_ORIGINS, or
   * exactly one of NATIVE_RETURN_URLS.
   */
  readonly returnTo: string
  /** Opens a browser in an app. By default, the page itself goes to the provider. */
  readonly open?: OpenBrowser | undefined
  /** The address to suggest at the provider. */
  readonly loginHint?: string | undefined
  readonly storage?: FlowStorage | undefined
  readonly crypto?: FlowCrypto | undefined
}
export type ProviderSignInOptions = ProviderOptions & Remembered
type Remembered = { readonly rememberMe?: boolean | undefined; readonly deviceName?: string | undefined }
type InBrowser = { readonly open: OpenBrowser }

export type ReturnOptions = {
  /** The address that the browser returned to; by default, that of the page. */
  readonly url?: string | undefined
  readonly storage?: FlowStorage | undefined
}

/** What came back from a provider. */
export type ProviderReturn =
  | { readonly purpose: 'signIn'; readonly result: ProviderLoginResult }
  | { readonly purpose: 'link'; readonly identity: Identity }
  | { readonly purpose: 'reauthenticate'; readonly session: Pick<Session, 'id' | 'authenticatedAt'> }

export type IdTokenAnswer = {
  readonly idToken: string
  /** Apple's, with which the server can revoke its tokens when the account is deleted. */
  readonly authorizationCode?: string | null | undefined
  /** Apple tells it to the app only, at the first sign-in. */
  readonly displayName?: string | null | undefined
}
/** Asks the provider's SDK for an ID token with this nonce. Resolves to null if the person closes its dialog. */
export type AskForIdToken = (nonce: string) => Promise<string | IdTokenAnswer | null | undefined>

/**
 * Signing in with other providers, such as Google. They reject with AuthError PROVIDER_DENIED if the person or the
 * provider refuses, PROVIDER_FAILED if the provider does not answer as it must, and TOKEN_INVALID if the sign-in has
 * expired. If the person closes the browser or the dialog, they reject with an error named `ProviderCancelled`.
 */
export type ProviderMethods = {
  /** With `open`, resolves when the person is back. Without, leaves the page: `handleReturn` has the result. */
  signIn(id: string, options: ProviderSignInOptions & InBrowser): Promise<ProviderLoginResult>
  signIn(id: string, options: ProviderSignInOptions): Promise<undefined>

  /** Connects a provider to the signed-in account. Requires a recent sign-in. */
  link(id: string, options: ProviderOptions & InBrowser): Promise<Identity>
  link(id: string, options: ProviderOptions): Promise<undefined>

  /** Confirms with a connected provider who the user is, for operations that require a recent sign-in. */
  reauthenticate(id: string, options: ProviderOptions & InBrowser): Promise<void>
  reauthenticate(id: string, options: ProviderOptions): Promise<undefined>

  /**
   * Completes what began with `signIn`, `link` or `reauthenticate`, on the page at `returnTo`. Resolves to null if the
   * browser does not come from a provider. If the server's answer is lost, call it again.
   */
  handleReturn(options?: ReturnOptions): Promise<ProviderReturn | null>

  /** Creates the account after a result of `providerSignUp`. */
  completeSignUp(input: CompleteSignUpInput): Promise<SignedIn | VerificationRequired>

  /** Signs in with the ID token of a provider's own SDK. Each call has a fresh nonce: call it when the button is pressed. */
  signInWithIdToken(id: string, ask: AskForIdToken, options?: Remembered): Promise<ProviderLoginResult>

  /** Connects what `providerLink` or `providerSignUp` is about to the account that has signed in since. */
  linkIdentity(ticket: string): Promise<Identity>
  /** Disconnects a provider. Requires a recent sign-in. CONFLICT for the last way to sign in. */
  unlink(identityId: string): Promise<void>
  /**
   * Where the browser signs out of the provider too, and then returns to `returnTo`: call it before `logout`, and go there
   * after it. Null if the session did not start with a provider that has such a page.
   */
  logoutUrl(returnTo: string): Promise<string | null>
  /** The providers that are connected to the signed-in account. */
  identities(): Promise<readonly Identity[]>
}
