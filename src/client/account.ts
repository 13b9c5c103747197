import { AuthError } from './errors.ts'
import * as operations from './operations.ts'
import { type Parts, withDevice } from './parts.ts'
import type {
  AuthSettings,
  ChangePasswordInput,
  PublicUser,
  ResetPasswordInput,
  UpdateProfileInput,
  User,
} from './types.ts'

export function accountMethods(parts: Parts) {
  const { session, requests, onError } = parts

  async function me(): Promise<User | null> {
    if ((await session.token()) === null) return null
    try {
      const { me } = await requests.asUser(operations.Me, {})
      if (me) session.update(me)
    } catch (error) {
      if (!(error instanceof AuthError && error.code === 'UNAUTHENTICATED')) throw error
    }
    return session.state.user ?? null
  }

  /** A link in an email may change the account that is signed in here. */
  async function reloadIfSignedIn(user: PublicUser): Promise<PublicUser> {
    if (session.state.user?.id === user.id) await me().catch(onError)
    return user
  }

  return {
    /** Fetches the signed-in user from the server; null when signed out. */
    me,

    /** What the server allows, for building forms. */
    async settings(): Promise<AuthSettings> {
      const { authSettings } = await requests.openly(operations.Settings, {})
      return authSettings
    },

    async updateProfile(input: UpdateProfileInput): Promise<User> {
      const { updateProfile } = await requests.asUser(operations.UpdateProfile, { input })
      session.update(updateProfile)
      return updateProfile
    },

    /** Sets a new password and ends all other sessions. */
    async changePassword(input: ChangePasswordInput): Promise<User> {
      const sent = await withDevice(parts, input)
      const { changePassword } = await requests.asUser(operations.ChangePassword, { input: sent })
      session.update(changePassword)
      return changePassword
    },

    /** Emails a link to set a new password if the address has an account. Does not reveal whether it has. */
    async requestPasswordReset(email: string): Promise<void> {
      await requests.openly(operations.RequestPasswordReset, { input: { email } })
    },

    /**
     * Sets a new password with the token from the email. Ends all sessions of the account, and signs out here and in
     * the other tabs if that account is signed in. Does not sign in.
     */
    async resetPassword(input: ResetPasswordInput): Promise<void> {
      await requests.openly(operations.ResetPassword, { input: await withDevice(parts, input) })
      await session.recheck()
    },

    /** Emails the verification link again if the address has yet to be verified. */
    async resendVerificationEmail(email: string): Promise<void> {
      await requests.openly(operations.ResendVerificationEmail, { input: { email } })
    },

    /** Verifies the address with the token from the email. */
    async verifyEmail(token: string): Promise<PublicUser> {
      const { verifyEmail } = await requests.openly(operations.VerifyEmail, { input: { token } })
      return reloadIfSignedIn(verifyEmail)
    },

    /** Emails a link to the new address. Requires a recent sign-in: see `reauthenticate`. */
    async requestEmailChange(newEmail: string): Promise<void> {
      await requests.asUser(operations.RequestEmailChange, { input: { newEmail } })
    },

    /** Replaces the address of the account with the new one, with the token from the email. */
    async confirmEmailChange(token: string): Promise<PublicUser> {
      const { confirmEmailChange } = await requests.openly(operations.ConfirmEmailChange, {
        input: { token },
      })
      return reloadIfSignedIn(confirmEmailChange)
    },

    /**
     * Restores the previous address with the token from the email to that address. Ends all sessions and
     * removes the password, and the server emails a link to set a new one.
     */
    async undoEmailChange(token: string): Promise<PublicUser> {
      const { undoEmailChange } = await requests.openly(operations.UndoEmailChange, { input: { token } })
      await session.recheck()
      return undoEmailChange
    },

    /**
     * All data of the account: profile, sessions, emails and audit events. The server returns long lists in
     * parts, which arrive here as one object. Requires a recent sign-in: see `reauthenticate`.
     */
    async exportAccount(): Promise<Record<string, unknown>> {
      let whole: Record<string, unknown> = {}
      let after: string | undefined
      do {
        const { exportAccount } = await requests.asUser(operations.ExportAccount, { after })
        const { next, ...part } = JSON.parse(exportAccount) as Record<string, unknown>
        for (const [key, value] of Object.entries(part)) {
          const before = whole[key]
          whole = { ...whole, [key]: Array.isArray(before) ? before.concat(value) : value }
        }
        after = typeof next === 'string' ? next : undefined
      } while (after !== undefined)
      return whole
    },

    /** Deletes the account and all of its data. Requires a recent sign-in: see `reauthenticate`. */
    async deleteAccount(): Promise<void> {
      await session.endAfter(() => requests.asUser(operations.DeleteAccount, {}))
    },
  }
}
