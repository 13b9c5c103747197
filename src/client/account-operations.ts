import type * as Types from './generated/operations.ts'
import { userFields } from './operations.ts'
import { typed } from './typed-text.ts'

const nameFields = /* GraphQL */ `
  fragment NameFields on User { id username displayName }
`

const sessionFields = /* GraphQL */ `
  fragment SessionFields on Session {
    id current deviceName ipAddress userAgent createdAt lastUsedAt expiresAt authenticatedAt revokedAt impersonated boundToKey
  }
`

export const Reauthenticate = typed<
  Types.ReauthenticateMutation,
  Types.ReauthenticateMutationVariables
>(/* GraphQL */ `
  mutation Reauthenticate($input: ReauthenticateInput!) {
    reauthenticate(input: $input) { ...SessionFields }
  }
  ${sessionFields}
`)

export const Settings = typed<Types.SettingsQuery, Types.SettingsQueryVariables>(/* GraphQL */ `
  query Settings {
    authSettings {
      registrationOpen emailVerificationRequired passwordMinLength passwordMaxLength locales
      passkeys passkeyRpId emailLogin
      providers { id type name clientId idTokens }
    }
  }
`)

export const Sessions = typed<Types.SessionsQuery, Types.SessionsQueryVariables>(/* GraphQL */ `
  query Sessions { me { sessions { ...SessionFields } } }
  ${sessionFields}
`)

export const RevokeSession = typed<
  Types.RevokeSessionMutation,
  Types.RevokeSessionMutationVariables
>(/* GraphQL */ `
  mutation RevokeSession($id: ID!) { revokeSession(id: $id) { ...SessionFields } }
  ${sessionFields}
`)

export const RevokeOtherSessions = typed<
  Types.RevokeOtherSessionsMutation,
  Types.RevokeOtherSessionsMutationVariables
>(/* GraphQL */ `
  mutation RevokeOtherSessions { revokeOtherSessions }
`)

export const RevokeAllSessions = typed<
  Types.RevokeAllSessionsMutation,
  Types.RevokeAllSessionsMutationVariables
>(/* GraphQL */ `
  mutation RevokeAllSessions { revokeAllSessions }
`)

export const UpdateProfile = typed<
  Types.UpdateProfileMutation,
  Types.UpdateProfileMutationVariables
>(/* GraphQL */ `
  mutation UpdateProfile($input: UpdateProfileInput!) { updateProfile(input: $input) { ...UserFields } }
  ${userFields}
`)

export const ChangePassword = typed<
  Types.ChangePasswordMutation,
  Types.ChangePasswordMutationVariables
>(/* GraphQL */ `
  mutation ChangePassword($input: ChangePasswordInput!) { changePassword(input: $input) { ...UserFields } }
  ${userFields}
`)

export const CancelFactorRecovery = typed<
  Types.CancelFactorRecoveryMutation,
  Types.CancelFactorRecoveryMutationVariables
>(/* GraphQL */ `
  mutation CancelFactorRecovery($input: CancelFactorRecoveryInput!) { cancelFactorRecovery(input: $input) }
`)

export const RequestPasswordReset = typed<
  Types.RequestPasswordResetMutation,
  Types.RequestPasswordResetMutationVariables
>(/* GraphQL */ `
  mutation RequestPasswordReset($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) }
`)

export const ResetPassword = typed<
  Types.ResetPasswordMutation,
  Types.ResetPasswordMutationVariables
>(/* GraphQL */ `
  mutation ResetPassword($input: ResetPasswordInput!) { resetPassword(input: $input) }
`)

export const ResendVerificationEmail = typed<
  Types.ResendVerificationEmailMutation,
  Types.ResendVerificationEmailMutationVariables
>(/* GraphQL */ `
  mutation ResendVerificationEmail($input: ResendVerificationEmailInput!) { resendVerificationEmail(input: $input) }
`)

export const VerifyEmail = typed<
  Types.VerifyEmailMutation,
  Types.VerifyEmailMutationVariables
>(/* GraphQL */ `
  mutation VerifyEmail($input: VerifyEmailInput!) { verifyEmail(input: $input) { ...NameFields } }
  ${nameFields}
`)

export const RequestEmailChange = typed<
  Types.RequestEmailChangeMutation,
  Types.RequestEmailChangeMutationVariables
>(/* GraphQL */ `
  mutation RequestEmailChange($input: RequestEmailChangeInput!) { requestEmailChange(input: $input) }
`)

export const ConfirmEmailChange = typed<
  Types.ConfirmEmailChangeMutation,
  Types.ConfirmEmailChangeMutationVariables
>(/* GraphQL */ `
  mutation ConfirmEmailChange($input: ConfirmEmailChangeInput!) { confirmEmailChange(input: $input) { ...NameFields } }
  ${nameFields}
`)

export const UndoEmailChange = typed<
  Types.UndoEmailChangeMutation,
  Types.UndoEmailChangeMutationVariables
>(/* GraphQL */ `
  mutation UndoEmailChange($input: UndoEmailChangeInput!) { undoEmailChange(input: $input) { ...NameFields } }
  ${nameFields}
`)

const apiKeyFields = /* GraphQL */ `
  fragment ApiKeyFields on ApiKey { id name prefix permissions createdAt expiresAt lastUsedAt }
`

export const ApiKeys = typed<Types.ApiKeysQuery, Types.ApiKeysQueryVariables>(/* GraphQL */ `
  query ApiKeys { me { apiKeys { ...ApiKeyFields } } }
  ${apiKeyFields}
`)

export const CreateApiKey = typed<
  Types.CreateApiKeyMutation,
  Types.CreateApiKeyMutationVariables
>(/* GraphQL */ `
  mutation CreateApiKey($input: ApiKeyInput!) { createApiKey(input: $input) { secret apiKey { ...ApiKeyFields } } }
  ${apiKeyFields}
`)

export const DeleteApiKey = typed<
  Types.DeleteApiKeyMutation,
  Types.DeleteApiKeyMutationVariables
>(/* GraphQL */ `
  mutation DeleteApiKey($id: ID!) { deleteApiKey(id: $id) }
`)

export const ExportAccount = typed<
  Types.ExportAccountQuery,
  Types.ExportAccountQueryVariables
>(/* GraphQL */ `
  query ExportAccount($after: String) { exportAccount(after: $after) }
`)

export const DeleteAccount = typed<
  Types.DeleteAccountMutation,
  Types.DeleteAccountMutationVariables
>(/* GraphQL */ `
  mutation DeleteAccount { deleteAccount }
`)

export const EmailLink = typed<Types.EmailLinkQuery, Types.EmailLinkQueryVariables>(/* GraphQL */ `
  query EmailLink($token: String!) {
    emailLink(token: $token) { purpose email displayName invitedBy confirmed }
  }
`)

export const EndEmailChangeUndo = typed<
  Types.EndEmailChangeUndoMutation,
  Types.EndEmailChangeUndoMutationVariables
>(/* GraphQL */ `
  mutation EndEmailChangeUndo($id: ID!) { endEmailChangeUndo(id: $id) { ...UserFields } }
  ${userFields}
`)
