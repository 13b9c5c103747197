import * as operations from './account-operations.ts'
import { type Parts, withDevice } from './parts.ts'
import { sessionMethods } from './session-methods.ts'
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

/** The methods that account.ts loads on demand and documents. */
export function accountMethods(parts: Parts, me: () => Promise<User | null>) {
  const { session, requests, onError } = parts

  /** A link in an email may change the account that is signed in here. */
  async function reloadIfSignedIn(user: PublicUser): Promise<PublicUser> {
    if (session.state.user?.id === user.id) await me().catch(onError)
    return user
  }

  return {
    sessions: sessionMethods(parts),

    apiKeys: {
      async list(): Promise<ApiKey[]> {
        const { me } = await requests.asUser(operations.ApiKeys, {})
        return me?.apiKeys ?? []
      },

      async create(input: ApiKeyInput): Promise<ApiKeyCreated> {
        const { createApiKey } = await requests.asUser(operations.CreateApiKey, { input })
        return createApiKey
      },

      async delete(id: string): Promise<void> {
        await requests.asUser(operations.DeleteApiKey, { id })
      },
    },

    async settings(): Promise<AuthSettings> {
      const { authSettings } = await requests.openly(operations.Settings, {})
      return authSettings
    },

    async reauthenticate(password: string): Promise<Session> {
      const { reauthenticate } = await requests.asUser(operations.Reauthenticate, { input: { password } })
      return reauthenticate
    },

    async updateProfile(input: UpdateProfileInput): Promise<User> {
      const { updateProfile } = await requests.asUser(operations.UpdateProfile, { input })
      session.update(updateProfile)
      return updateProfile
    },

    async changePassword(input: ChangePasswordInput): Promise<User> {
      const sent = await withDevice(parts, input)
      const { changePassword } = await requests.asUser(operations.ChangePassword, { input: sent })
      session.update(changePassword)
      return changePassword
    },

    async cancelFactorRecovery(token: string): Promise<void> {
      await requests.openly(operations.CancelFactorRecovery, { input: { token } })
    },

    async requestPasswordReset(email: string): Promise<void> {
      await requests.openly(operations.RequestPasswordReset, { input: { email } })
    },

    async resetPassword(input: ResetPasswordInput): Promise<void> {
      await requests.openly(operations.ResetPassword, { input: await withDevice(parts, input) })
      await session.recheck()
    },

    async resendVerificationEmail(email: string): Promise<void> {
      await requests.openly(operations.ResendVerificationEmail, { input: { email } })
    },

    async emailLink(token: string): Promise<EmailLink> {
      const { emailLink } = await requests.openly(operations.EmailLink, { token })
      return emailLink
    },

    async verifyEmail(token: string, ticket?: string): Promise<PublicUser> {
      const input = { token, ...(ticket !== undefined && { ticket }) }
      const { verifyEmail } = await requests.openly(operations.VerifyEmail, { input })
      return reloadIfSignedIn(verifyEmail)
    },

    async requestEmailChange(newEmail: string): Promise<void> {
      await requests.asUser(operations.RequestEmailChange, { input: { newEmail } })
    },

    async confirmEmailChange(token: string): Promise<PublicUser> {
      const { confirmEmailChange } = await requests.openly(operations.ConfirmEmailChange, {
        input: { token },
      })
      return reloadIfSignedIn(confirmEmailChange)
    },

    async undoEmailChange(token: string): Promise<PublicUser> {
      const { undoEmailChange } = await requests.openly(operations.UndoEmailChange, { input: { token } })
      await session.recheck()
      return undoEmailChange
    },

    async endEmailChangeUndo(): Promise<User> {
      await session.token()
      const { endEmailChangeUndo } = await requests.asUser(operations.EndEmailChangeUndo, {
        // Without a session, the server refuses before it looks at the ID.
        id: session.state.user?.id ?? '',
      })
      session.update(endEmailChangeUndo)
      return endEmailChangeUndo
    },

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

    async deleteAccount(): Promise<void> {
      await session.endAfter(() => requests.asUser(operations.DeleteAccount, {}))
    },
  }
}
