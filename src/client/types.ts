import type * as Generated from './generated/operations.ts'

/** The signed-in user, as they see their own account. Times are ISO 8601 in UTC. */
export type User = Generated.UserFieldsFragment

/** One of the user's sessions: a sign-in on one device. */
export type Session = Generated.SessionFieldsFragment

/** The public part of a user's profile. */
export type PublicUser = Generated.NameFieldsFragment

/** What the server allows, for building forms. */
export type AuthSettings = Generated.SettingsQuery['authSettings']

/** What a link in an email is for. */
export type EmailLink = Generated.EmailLinkQuery['emailLink']

export type RegisterInput = Omit<Generated.RegisterInput, 'tokenTransport' | 'deviceToken'>
export type LoginInput = Omit<Generated.LoginInput, 'tokenTransport' | 'deviceToken'>
export type RequestEmailLoginInput = Generated.RequestEmailLoginInput
export type EmailLoginRequested = Generated.RequestEmailLoginMutation['requestEmailLogin']
/** Either the token of the link, or the ticket of the request and the code. */
export type LoginWithEmailInput = Omit<Generated.LoginWithEmailInput, 'tokenTransport' | 'deviceToken'>
export type UpdateProfileInput = Generated.UpdateProfileInput
export type ChangePasswordInput = Omit<Generated.ChangePasswordInput, 'deviceToken'>
export type ResetPasswordInput = Omit<Generated.ResetPasswordInput, 'deviceToken'>

/** The user who is signed in, as far as this client knows. */
export type AuthState =
  /** The server has not answered yet. After a failure, `error` says why. */
  | { readonly status: 'restoring'; readonly user: undefined; readonly error: unknown }
  | { readonly status: 'signedIn'; readonly user: User; readonly error?: undefined }
  | { readonly status: 'signedOut'; readonly user: null; readonly error?: undefined }

export type SignedIn = { readonly status: 'signedIn'; readonly user: User }
/** The user must open the link in the email to this address before signing in. */
export type VerificationRequired = { readonly status: 'verificationRequired'; readonly email: string }
