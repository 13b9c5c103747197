import { AuthError } from './errors.ts'
import { onDemand } from './on-demand.ts'
import { Me } from './operations.ts'
import type { Parts } from './parts.ts'
import type {
  ApiKey,
  ApiKeyCreated,
  ApiKeyInput,
  AuthSettings,
  ChangePasswordInput,
  EmailLink,
  PublicUser,
  ResetPasswordInput,
  Session,
  UpdateProfileInput,
  User,
} from './types.ts'

/** What people do to their own account. Pages load all of it but `me` on first use. */
export function accountMethods(parts: Parts) {
  const { session, requests } = parts

  async function me(): Promise<User | null> {
    if ((await session.token()) === null) return null
    try {
      const { me } = await requests.asUser(Me, {})
      if (me) session.update(me)
    } catch (error) {
      if (!(error instanceof AuthError && error.code === 'UNAUTHENTICATED')) throw error
    }
    return session.state.user ?? null
  }

  const rest = onDemand(async () => (await import('./account-methods.ts')).accountMethods(parts, me))

  return {
    /** Fetches the signed-in user from the server; null when signed out. */
    me,

    /** What the server allows, for building forms. */
    settings: async (): Promise<AuthSettings> => (await rest()).settings(),

    /** Confirms the password again, after REAUTHENTICATION_REQUIRED. */
    reauthenticate: async (password: string): Promise<Session> => (await rest()).reauthenticate(password),

    updateProfile: async (input: UpdateProfileInput): Promise<User> => (await rest()).updateProfile(input),

    /** Sets a new password and ends all other sessions. */
    changePassword: async (input: ChangePasswordInput): Promise<User> => (await rest()).changePassword(input),

    /** Cancels the recovery of second factors with the token from the email about it. */
    cancelFactorRecovery: async (token: string): Promise<void> => (await rest()).cancelFactorRecovery(token),

    /** Emails a link to set a new password if the address has an account. Does not reveal whether it has. */
    requestPasswordReset: async (email: string): Promise<void> => (await rest()).requestPasswordReset(email),

    /**
     * Sets a new password with the token from the email. Ends all sessions of the account, and signs out here and in
     * the other tabs if that account is signed in. Does not sign in.
     */
    resetPassword: async (input: ResetPasswordInput): Promise<void> => (await rest()).resetPassword(input),

    /** Emails the verification link again if the address has yet to be verified. */
    resendVerificationEmail: async (email: string): Promise<void> =>
      (await rest()).resendVerificationEmail(email),

    /** What the link with this token is for. The token stays valid. */
    emailLink: async (token: string): Promise<EmailLink> => (await rest()).emailLink(token),

    /**
     * Verifies the address with the token from the email. If this client signed up with `providers.completeSignUp`, pass
     * the ticket of that sign-up too: it connects the provider.
     */
    verifyEmail: async (token: string, ticket?: string): Promise<PublicUser> =>
      (await rest()).verifyEmail(token, ticket),

    /** Emails a link to the new address. Requires a recent sign-in: see `reauthenticate`. */
    requestEmailChange: async (newEmail: string): Promise<void> =>
      (await rest()).requestEmailChange(newEmail),

    /** Replaces the address of the account with the new one, with the token from the email. */
    confirmEmailChange: async (token: string): Promise<PublicUser> =>
      (await rest()).confirmEmailChange(token),

    /**
     * Restores the previous address with the token from the email to that address. Ends all sessions and
     * removes the password, and the server emails a link to set a new one.
     */
    undoEmailChange: async (token: string): Promise<PublicUser> => (await rest()).undoEmailChange(token),

    /** Ends the time in which a link in an email can undo the last change of address. */
    endEmailChangeUndo: async (): Promise<User> => (await rest()).endEmailChangeUndo(),

    /**
     * All data of the account: profile, sessions, emails and audit events. The server returns long lists in
     * parts, which arrive here as one object. Requires a recent sign-in: see `reauthenticate`.
     */
    exportAccount: async (): Promise<Record<string, unknown>> => (await rest()).exportAccount(),

    /** Deletes the account and all of its data. Requires a recent sign-in: see `reauthenticate`. */
    deleteAccount: async (): Promise<void> => (await rest()).deleteAccount(),

    /** Keys with which programs act as the user. */
    apiKeys: {
      /** The newest first. */
      list: async (): Promise<ApiKey[]> => (await rest()).apiKeys.list(),

      /** The `secret` is what the program sends. No one can see it again. Requires a recent sign-in. */
      create: async (input: ApiKeyInput): Promise<ApiKeyCreated> => (await rest()).apiKeys.create(input),

      /** Deletes a key, which stops working immediately. */
      delete: async (id: string): Promise<void> => (await rest()).apiKeys.delete(id),
    },

    sessions: {
      /** The user's active sessions, most recently used first. */
      list: async (): Promise<Session[]> => (await rest()).sessions.list(),

      /** Ends one of the user's sessions. Ending the current session signs out. */
      revoke: async (id: string): Promise<Session> => (await rest()).sessions.revoke(id),

      /** Ends all sessions except this one, and returns how many ended. */
      revokeOthers: async (): Promise<number> => (await rest()).sessions.revokeOthers(),

      /** Ends all sessions, which signs out, and returns how many ended. */
      revokeAll: async (): Promise<number> => (await rest()).sessions.revokeAll(),
    },
  }
}
