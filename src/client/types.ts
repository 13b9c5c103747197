import type * as Generated from './generated/operations.ts'

/** The signed-in user, as the server describes them to themselves. Times are ISO 8601 in UTC. */
export type User = Generated.UserFieldsFragment

/** One of the user's sessions: a sign-in on one device. */
export type Session = Generated.SessionFieldsFragment

/** What of a user anybody may see. */
export type PublicUser = Generated.NameFieldsFragment

/** What the server allows, to build forms from. */
export type AuthSettings = Generated.SettingsQuery['authSettings']

export type RegisterInput = Omit<Generated.RegisterInput, 'tokenTransport' | 'deviceToken'>
export type LoginInput = Omit<Generated.LoginInput, 'tokenTransport' | 'deviceToken'>
export type UpdateProfileInput = Generated.UpdateProfileInput
export type ChangePasswordInput = Omit<Generated.ChangePasswordInput, 'deviceToken'>
export type ResetPasswordInput = Omit<Generated.ResetPasswordInput, 'deviceToken'>

/** Who is signed in, as far as this client knows. */
export type AuthState =
  /** Not asked yet, or the server could not be reached: `error` says why. */
  | { readonly status: 'restoring'; readonly user: undefined; readonly error: unknown }
  | { readonly status: 'signedIn'; readonly user: User; readonly error?: undefined }
  | { readonly status: 'signedOut'; readonly user: null; readonly error?: undefined }

export type SignedIn = { readonly status: 'signedIn'; readonly user: User }
/** The account is made, and the link in the mail to this address must be opened before signing in. */
export type VerificationRequired = { readonly status: 'verificationRequired'; readonly email: string }
