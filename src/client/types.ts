import type { AuthMethod, AuthStrength } from './generated/enums.ts'
import type * as Generated from './generated/operations.ts'

export type { AuthMethod, AuthStrength }

/** The signed-in user, as they see their own account. Times are ISO 8601 in UTC. */
export type User = Generated.UserFieldsFragment

/** One of the user's sessions: a sign-in on one device. */
export type Session = Generated.SessionFieldsFragment

/** The public part of a user's profile. */
export type PublicUser = Generated.NameFieldsFragment

/** What the server allows, for building forms. */
export type AuthSettings = Generated.SettingsQuery['authSettings']

/** A key with which a program acts as the user. */
export type ApiKey = Generated.ApiKeyFieldsFragment
export type ApiKeyInput = Generated.ApiKeyInput
export type ApiKeyCreated = Generated.CreateApiKeyMutation['createApiKey']

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
  | {
      readonly status: 'restoring'
      readonly user: undefined
      readonly error: unknown
      readonly impersonatorId?: undefined
    }
  | {
      readonly status: 'signedIn'
      readonly user: User
      /** How strong the sign-in was; undefined if that is not known yet. */
      readonly strength?: AuthStrength | undefined
      /** The ID of the administrator who acts as the user; undefined in the user's own sessions. */
      readonly impersonatorId?: string | undefined
      /**
       * Whether the session is bound to a key that this device keeps, so that a copy of its tokens is worth nothing. False
       * where no key can be kept, and with servers that bind none.
       */
      readonly boundToKey?: boolean | undefined
      readonly error?: undefined
    }
  | {
      readonly status: 'signedOut'
      readonly user: null
      readonly error?: undefined
      readonly impersonatorId?: undefined
    }

export type SignedIn = {
  readonly status: 'signedIn'
  readonly user: User
  /** Whether to offer a passkey now: see `addPasskey` in `authograph/client/passkeys`. */
  readonly passkeySuggestion: 'NONE' | 'ASK' | 'AUTOMATIC'
}
/** The password or the emailed code is right. The sign-in continues with `completeLogin`. */
export type SecondFactor = {
  readonly status: 'secondFactor'
  /** Stands for what is proven so far. It is no token: only `completeLogin` accepts it. */
  readonly ticket: string
  readonly expiresAt: string
  /** The methods that complete the sign-in, the strongest first. */
  readonly methods: readonly AuthMethod[]
  /** Options for the browser, if a passkey or a security key can complete the sign-in. */
  readonly passkeyOptions: Readonly<Record<string, unknown>> | null
  /** Whether `trustDevice` has an effect. */
  readonly canTrustDevice: boolean
}
/** The account must have a second factor first. Add one with the ticket: see `client.factors`. */
export type SecondFactorSetup = {
  readonly status: 'setup'
  readonly ticket: string
  readonly expiresAt: string
  /** The methods that can be added. */
  readonly methods: readonly AuthMethod[]
}
export type LoginResult = SignedIn | SecondFactor | SecondFactorSetup

/** One proof of identity, in exactly one of its fields. */
export type ProofInput = Generated.ProofInput
export type CompleteLoginInput = Generated.CompleteLoginInput
export type PasskeyInput = Generated.PasskeyInput
export type BeginPasskeyRegistrationInput = Generated.BeginPasskeyRegistrationInput
/** Options for the browser, and the ticket that goes back with its answer. */
export type PasskeyCeremony = Generated.BeginPasskeyLoginMutation['beginPasskeyLogin']
export type TotpSetup = Generated.BeginTotpMutation['beginTotp']
export type Passkey = Generated.PasskeyFieldsFragment
/** The ways in which the signed-in user can sign in, and the devices that skip the second factor. */
export type Factors = Generated.FactorsFieldsFragment
/** The recovery codes come with the first factor. The server cannot show them again. */
export type FactorAdded = { readonly user: User; readonly recoveryCodes: readonly string[] | null }

/** What an operation requires, from STEP_UP_REQUIRED, REAUTHENTICATION_REQUIRED or a challenge of RFC 9470. */
export type StepUpChallenge = {
  /** Such as `mfa` or `phr`; undefined if any proof suffices. */
  readonly acr: string | undefined
  readonly maxAgeSeconds: number | undefined
  /** The combinations that this account can prove, such as `[["PASSKEY"], ["PASSWORD", "TOTP"]]`. */
  readonly accepts: readonly (readonly AuthMethod[])[]
}
/** The user must open the link in the email to this address before signing in. */
export type VerificationRequired = { readonly status: 'verificationRequired'; readonly email: string }
