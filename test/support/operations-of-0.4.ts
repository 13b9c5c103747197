/**
 * The documents that the client of version 0.4 sends, the last before second factors. Programs that were built with it go
 * on sending them, so nothing here is ever changed.
 */
const userFields = `fragment UserFields on User {
  id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt passwordChangedAt
}`
const nameFields = 'fragment NameFields on User { id username displayName }'
const sessionFields = `fragment SessionFields on Session {
  id current deviceName ipAddress userAgent createdAt lastUsedAt expiresAt authenticatedAt revokedAt
}`
const payloadFields =
  'fragment PayloadFields on AuthPayload { accessToken refreshToken session { id } user { ...UserFields } }'

export const OF_0_4 = {
  register: `mutation Register($input: RegisterInput!) {
    register(input: $input) {
      __typename
      ... on AuthPayload { ...PayloadFields deviceToken }
      ... on EmailVerificationRequired { email }
    }
  }
  ${payloadFields}
  ${userFields}`,
  login: `mutation Login($input: LoginInput!) {
    login(input: $input) { __typename ... on AuthPayload { ...PayloadFields deviceToken } }
  }
  ${payloadFields}
  ${userFields}`,
  refreshToken: `mutation Refresh($input: RefreshTokenInput) { refreshToken(input: $input) { ...PayloadFields } }
  ${payloadFields}
  ${userFields}`,
  logout: 'mutation Logout($input: LogoutInput) { logout(input: $input) }',
  reauthenticate: `mutation Reauthenticate($input: ReauthenticateInput!) {
    reauthenticate(input: $input) { ...SessionFields }
  }
  ${sessionFields}`,
  settings: `query Settings {
    authSettings { registrationOpen emailVerificationRequired passwordMinLength passwordMaxLength locales }
  }`,
  me: `query Me { me { ...UserFields } }
  ${userFields}`,
  sessions: `query Sessions { me { sessions { ...SessionFields } } }
  ${sessionFields}`,
  revokeSession: `mutation RevokeSession($id: ID!) { revokeSession(id: $id) { ...SessionFields } }
  ${sessionFields}`,
  revokeOtherSessions: 'mutation RevokeOtherSessions { revokeOtherSessions }',
  revokeAllSessions: 'mutation RevokeAllSessions { revokeAllSessions }',
  updateProfile: `mutation UpdateProfile($input: UpdateProfileInput!) { updateProfile(input: $input) { ...UserFields } }
  ${userFields}`,
  changePassword: `mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) { ...UserFields }
  }
  ${userFields}`,
  requestPasswordReset: `mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input)
  }`,
  resetPassword: 'mutation ResetPassword($input: ResetPasswordInput!) { resetPassword(input: $input) }',
  resendVerificationEmail: `mutation ResendVerificationEmail($input: ResendVerificationEmailInput!) {
    resendVerificationEmail(input: $input)
  }`,
  verifyEmail: `mutation VerifyEmail($input: VerifyEmailInput!) { verifyEmail(input: $input) { ...NameFields } }
  ${nameFields}`,
  requestEmailChange: `mutation RequestEmailChange($input: RequestEmailChangeInput!) {
    requestEmailChange(input: $input)
  }`,
  confirmEmailChange: `mutation ConfirmEmailChange($input: ConfirmEmailChangeInput!) {
    confirmEmailChange(input: $input) { ...NameFields }
  }
  ${nameFields}`,
  deleteAccount: 'mutation DeleteAccount { deleteAccount }',
} as const
