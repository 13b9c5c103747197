import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { graphql } from '../generated/gql.ts'
import type { LoginMutation, LoginMutationVariables } from '../generated/graphql.ts'

/** The operations that the tests send, typed by codegen.yml. */

export const Settings = graphql(`
  query Settings {
    authSettings { registrationOpen emailVerificationRequired passwordMinLength passwordMaxLength passkeys passkeyRpId locales }
  }
`)

export const SetRoleSecondFactor = graphql(`
  mutation SetRoleSecondFactor($name: String!, $requiredFrom: DateTime) {
    setRoleSecondFactor(name: $name, requiredFrom: $requiredFrom) { name permissions builtIn secondFactorRequiredFrom }
  }
`)

export const StepUp = graphql(`
  mutation StepUp($input: StepUpInput!) {
    stepUp(input: $input) {
      accessToken
      refreshToken
      session { id strength methods authenticatedAt }
      user { id email }
    }
  }
`)

export const ResetUserFactors = graphql(`
  mutation ResetUserFactors($id: ID!, $reason: String!) {
    resetUserFactors(id: $id, reason: $reason) { id sessions { id } }
  }
`)

export const RequireSecondFactor = graphql(`
  mutation RequireSecondFactor($required: Boolean!) {
    requireSecondFactor(required: $required) { id sessions { id current } }
  }
`)

export const Register = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken
        tokenType
        accessTokenExpiresAt
        refreshToken
        refreshTokenExpiresAt
        deviceToken
        session { id current createdAt lastUsedAt expiresAt authenticatedAt ipAddress userAgent deviceName revokedAt }
        user { id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt passwordChangedAt }
      }
    }
  }
`)

const login = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken
        accessTokenExpiresAt
        refreshToken
        refreshTokenExpiresAt
        deviceToken
        session { id current deviceName userAgent ipAddress expiresAt }
        user { id email username lastLoginAt }
      }
    }
  }
`)

type AuthPayload = Extract<LoginMutation['login'], { __typename: 'AuthPayload' }>
/** The answer to a sign-in of an account that demands no second factor. */
export type SimpleLogin = { login: AuthPayload }

/** For accounts that demand no second factor. */
export const Login = login as TypedDocumentNode<SimpleLogin, LoginMutationVariables>

/** For accounts that may demand a second factor. */
export const LoginSteps = graphql(`
  mutation LoginSteps($input: LoginInput!) {
    login(input: $input) {
      __typename
      ... on AuthPayload { accessToken refreshToken deviceToken session { id strength methods } user { id } }
      ... on SecondFactorRequired { ticket expiresAt methods passkeyOptions canTrustDevice }
      ... on SecondFactorSetupRequired { ticket expiresAt methods }
    }
  }
`)

export const CompleteLogin = graphql(`
  mutation CompleteLogin($input: CompleteLoginInput!) {
    completeLogin(input: $input) {
      accessToken refreshToken refreshTokenExpiresAt deviceToken session { id strength methods } user { id }
    }
  }
`)

export const SendEmailCode = graphql(`
  mutation SendEmailCode($input: TicketInput) { sendEmailCode(input: $input) }
`)

export const BeginTotp = graphql(`
  mutation BeginTotp($input: TicketInput) {
    beginTotp(input: $input) { ticket secret uri qrCode expiresAt }
  }
`)

export const ConfirmTotp = graphql(`
  mutation ConfirmTotp($input: ConfirmTotpInput!) {
    confirmTotp(input: $input) {
      auth { accessToken refreshToken deviceToken session { id strength methods } user { id email } }
      recoveryCodes
    }
  }
`)

export const RemoveTotp = graphql(`
  mutation RemoveTotp { removeTotp { id hasTotp secondFactorRequired recoveryCodesLeft } }
`)

export const RenewRecoveryCodes = graphql(`
  mutation RenewRecoveryCodes { renewRecoveryCodes }
`)

export const FactorsOf = graphql(`
  query FactorsOf($id: ID!) {
    user(id: $id) { id hasPassword secondFactorRequired hasTotp recoveryCodesLeft }
  }
`)

export const Refresh = graphql(`
  mutation Refresh($input: RefreshTokenInput) {
    refreshToken(input: $input) {
      accessToken
      accessTokenExpiresAt
      refreshToken
      refreshTokenExpiresAt
      deviceToken
      session { id expiresAt lastUsedAt }
      user { id email }
    }
  }
`)

export const Logout = graphql(`
  mutation Logout($input: LogoutInput) {
    logout(input: $input)
  }
`)

export const Reauthenticate = graphql(`
  mutation Reauthenticate($input: ReauthenticateInput!) {
    reauthenticate(input: $input) { id authenticatedAt current }
  }
`)

export const Me = graphql(`
  query Me {
    me { id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt passwordChangedAt }
  }
`)

export const MySessions = graphql(`
  query MySessions {
    me { id sessions { id current deviceName ipAddress userAgent createdAt lastUsedAt expiresAt authenticatedAt revokedAt } }
  }
`)

export const UserById = graphql(`
  query UserById($id: ID!) {
    user(id: $id) { id email username displayName disabledAt sessions { id current } }
  }
`)

export const Roles = graphql(`
  query Roles {
    roles { name description permissions builtIn }
  }
`)

export const RevokeSession = graphql(`
  mutation RevokeSession($id: ID!) {
    revokeSession(id: $id) { id current revokedAt }
  }
`)

export const RevokeOtherSessions = graphql(`
  mutation RevokeOtherSessions {
    revokeOtherSessions
  }
`)

export const RevokeAllSessions = graphql(`
  mutation RevokeAllSessions {
    revokeAllSessions
  }
`)

export const UpdateProfile = graphql(`
  mutation UpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) { id username displayName locale updatedAt }
  }
`)

export const ChangePassword = graphql(`
  mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) { id passwordChangedAt }
  }
`)

export const SetUserRoles = graphql(`
  mutation SetUserRoles($id: ID!, $roles: [String!]!, $expectedUpdatedAt: DateTime) {
    setUserRoles(id: $id, roles: $roles, expectedUpdatedAt: $expectedUpdatedAt) { id roles permissions }
  }
`)

export const UserWhole = graphql(`
  query UserWhole($id: ID!) {
    user(id: $id) {
      id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt
      passwordChangedAt disabledAt disabledReason invitedAt sessions { id current }
    }
  }
`)

export const RotateSigningKey = graphql(`
  mutation RotateSigningKey($revoke: Boolean) {
    rotateSigningKey(revoke: $revoke) { kid algorithm createdAt retiredAt }
  }
`)

export const AuditLog = graphql(`
  query AuditLog($first: Int, $after: String, $last: Int, $before: String, $filter: AuditFilter) {
    auditLog(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { id } }
      nodes { id at action actor { id email } subject { id username } ipAddress userAgent detail }
    }
  }
`)

export const Users = graphql(`
  query Users($first: Int, $after: String, $last: Int, $before: String, $filter: UserFilter, $orderBy: UserOrder) {
    users(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { id } }
      nodes { id email username displayName roles permissions createdAt lastLoginAt disabledAt }
    }
  }
`)

export const VerifyEmail = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) {
    verifyEmail(input: $input) { id email emailVerified username displayName locale roles sessions { id } }
  }
`)

export const ResendVerificationEmail = graphql(`
  mutation ResendVerificationEmail($input: ResendVerificationEmailInput!) {
    resendVerificationEmail(input: $input)
  }
`)

export const RequestPasswordReset = graphql(`
  mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input)
  }
`)

export const ResetPassword = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) {
    resetPassword(input: $input)
  }
`)

export const RequestEmailChange = graphql(`
  mutation RequestEmailChange($input: RequestEmailChangeInput!) {
    requestEmailChange(input: $input)
  }
`)

export const ConfirmEmailChange = graphql(`
  mutation ConfirmEmailChange($input: ConfirmEmailChangeInput!) {
    confirmEmailChange(input: $input) { id email emailVerified }
  }
`)

export const UndoEmailChange = graphql(`
  mutation UndoEmailChange($input: UndoEmailChangeInput!) {
    undoEmailChange(input: $input) { id email emailVerified }
  }
`)

export const EndEmailChangeUndo = graphql(`
  mutation EndEmailChangeUndo($id: ID!) {
    endEmailChangeUndo(id: $id) { id emailChangeUndoableUntil }
  }
`)

export const UndoableUntil = graphql(`
  query UndoableUntil($id: ID!) {
    user(id: $id) { emailChangeUndoableUntil }
  }
`)

export const DeleteAccount = graphql(`
  mutation DeleteAccount {
    deleteAccount
  }
`)

export const ExportAccount = graphql(`
  query ExportAccount($after: String) {
    exportAccount(after: $after)
  }
`)

export const Metadata = graphql(`
  query Metadata($id: ID!) {
    user(id: $id) { publicMetadata privateMetadata }
  }
`)

export const SetMetadata = graphql(`
  mutation SetMetadata($input: UpdateProfileInput!) {
    updateProfile(input: $input) { publicMetadata }
  }
`)

export const InviteUser = graphql(`
  mutation InviteUser($input: InviteUserInput!) {
    inviteUser(input: $input) { id email emailVerified username displayName locale roles passwordChangedAt }
  }
`)

export const UpdateUser = graphql(`
  mutation UpdateUser($id: ID!, $input: UpdateUserInput!, $expectedUpdatedAt: DateTime) {
    updateUser(id: $id, input: $input, expectedUpdatedAt: $expectedUpdatedAt) {
      id email emailVerified username displayName locale updatedAt publicMetadata privateMetadata
    }
  }
`)

export const DisableUser = graphql(`
  mutation DisableUser($id: ID!, $reason: String) {
    disableUser(id: $id, reason: $reason) { id disabledAt sessions { id } }
  }
`)

export const EnableUser = graphql(`
  mutation EnableUser($id: ID!) {
    enableUser(id: $id) { id disabledAt }
  }
`)

export const DeleteUser = graphql(`
  mutation DeleteUser($id: ID!) {
    deleteUser(id: $id)
  }
`)

export const RevokeUserSessions = graphql(`
  mutation RevokeUserSessions($id: ID!) {
    revokeUserSessions(id: $id)
  }
`)

export const RevokeUserSession = graphql(`
  mutation RevokeUserSession($id: ID!, $sessionId: ID!) {
    revokeUserSession(id: $id, sessionId: $sessionId)
  }
`)

export const SendPasswordReset = graphql(`
  mutation SendPasswordReset($id: ID!) {
    sendPasswordReset(id: $id) { id }
  }
`)

export const ResendInvitation = graphql(`
  mutation ResendInvitation($id: ID!) {
    resendInvitation(id: $id) { id invitedAt }
  }
`)

export const SecurityActivity = graphql(`
  query SecurityActivity($first: Int, $after: String) {
    securityActivity(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id at action actor ipAddress userAgent deviceName session { id current } }
    }
  }
`)

export const CreateRole = graphql(`
  mutation CreateRole($input: RoleInput!) {
    createRole(input: $input) { name description permissions builtIn }
  }
`)

export const UpdateRole = graphql(`
  mutation UpdateRole($name: String!, $input: RoleInput!) {
    updateRole(name: $name, input: $input) { name description permissions builtIn }
  }
`)

export const DeleteRole = graphql(`
  mutation DeleteRole($name: String!) {
    deleteRole(name: $name)
  }
`)

export const FailedMails = graphql(`
  query FailedMails($first: Int, $after: String, $last: Int, $before: String) {
    failedMails(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { id } }
      nodes { id template recipient attempts lastError createdAt expiresAt }
    }
  }
`)

export const Overview = graphql(`
  query Overview($period: OverviewPeriod!, $timeZone: String) {
    overview(period: $period, timeZone: $timeZone) {
      startsAt signIns failures limitsHit emailsFailed emailsQueued newPeople people
    }
  }
`)

export const RetryMail = graphql(`
  mutation RetryMail($id: ID!) {
    retryMail(id: $id)
  }
`)

export const Link = graphql(`
  query Link($token: String!) {
    emailLink(token: $token) { purpose email displayName username invitedBy confirmed }
  }
`)

export const BeginPasskeyLogin = graphql(`
  mutation BeginPasskeyLogin {
    beginPasskeyLogin { ticket options expiresAt }
  }
`)

export const LoginWithPasskey = graphql(`
  mutation LoginWithPasskey($input: LoginWithPasskeyInput!) {
    loginWithPasskey(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken refreshToken refreshTokenExpiresAt deviceToken
        session { id strength methods deviceName }
        user { id }
      }
    }
  }
`)

export const RequestEmailLogin = graphql(`
  mutation RequestEmailLogin($input: RequestEmailLoginInput!) {
    requestEmailLogin(input: $input) { ticket expiresAt }
  }
`)

export const RequestFactorRecovery = graphql(`
  mutation RequestFactorRecovery($input: FactorRecoveryInput!) {
    requestFactorRecovery(input: $input)
  }
`)

export const CancelFactorRecovery = graphql(`
  mutation CancelFactorRecovery($input: CancelFactorRecoveryInput!) {
    cancelFactorRecovery(input: $input)
  }
`)

export const LoginWithEmail = graphql(`
  mutation LoginWithEmail($input: LoginWithEmailInput!) {
    loginWithEmail(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken
        refreshToken
        deviceToken
        session { id deviceName strength methods }
        user { id email emailVerified locale roles }
      }
      ... on SecondFactorRequired { ticket methods }
      ... on SecondFactorSetupRequired { ticket methods }
    }
  }
`)

export const MyTrustedDevices = graphql(`
  query MyTrustedDevices {
    me { trustedDevices { id name current trustedUntil lastUsedAt ipAddress } }
  }
`)

export const RevokeTrustedDevice = graphql(`
  mutation RevokeTrustedDevice($id: ID!) {
    revokeTrustedDevice(id: $id)
  }
`)

export const RevokeTrustedDevices = graphql(`
  mutation RevokeTrustedDevices {
    revokeTrustedDevices
  }
`)

export const BeginPasskeyRegistration = graphql(`
  mutation BeginPasskeyRegistration($input: BeginPasskeyRegistrationInput!) {
    beginPasskeyRegistration(input: $input) { ticket options expiresAt }
  }
`)

export const RegisterWithPasskey = graphql(`
  mutation RegisterWithPasskey($input: RegisterWithPasskeyInput!) {
    registerWithPasskey(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken refreshToken deviceToken
        session { id strength methods deviceName }
        user { id email username displayName }
      }
      ... on EmailVerificationRequired { email }
    }
  }
`)

export const BeginPasskeyProof = graphql(`
  mutation BeginPasskeyProof {
    beginPasskeyProof { ticket options expiresAt }
  }
`)

export const MyPasskeys = graphql(`
  query MyPasskeys {
    me { id hasPassword passkeyUserHandle passkeys { id name credentialId discoverable synced provider createdAt lastUsedAt } }
  }
`)

export const RenamePasskey = graphql(`
  mutation RenamePasskey($id: ID!, $name: String!) {
    renamePasskey(id: $id, name: $name) { id name }
  }
`)

export const RemovePassword = graphql(`
  mutation RemovePassword {
    removePassword { id hasPassword }
  }
`)

export const BeginPasskey = graphql(`
  mutation BeginPasskey($input: BeginPasskeyInput) {
    beginPasskey(input: $input) { ticket options expiresAt }
  }
`)

export const AddPasskey = graphql(`
  mutation AddPasskey($input: AddPasskeyInput!) {
    addPasskey(input: $input) {
      auth { accessToken refreshToken session { id strength methods } user { id } }
      recoveryCodes
    }
  }
`)

export const RemovePasskey = graphql(`
  mutation RemovePasskey($id: ID!) {
    removePasskey(id: $id) { id passkeys { id } }
  }
`)

export const Suggestion = graphql(`
  mutation Suggestion($input: LoginInput!) {
    login(input: $input) { __typename ... on AuthPayload { accessToken deviceToken passkeySuggestion } }
  }
`)

export const StartProviderSignIn = graphql(`
  mutation StartProviderSignIn($input: StartProviderInput!) {
    startProviderSignIn(input: $input) { url expiresAt }
  }
`)

export const CompleteProviderSignIn = graphql(`
  mutation CompleteProviderSignIn($input: CompleteProviderInput!) {
    completeProviderSignIn(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken
        refreshToken
        deviceToken
        session { id deviceName strength methods }
        user { id email emailVerified displayName locale roles hasPassword identities { id provider email displayName } }
      }
      ... on SecondFactorRequired { ticket methods }
      ... on SecondFactorSetupRequired { ticket methods }
      ... on ProviderSignUpRequired { ticket provider email displayName expiresAt }
      ... on ProviderLinkRequired { ticket provider address: email expiresAt }
    }
  }
`)

export const CompleteProviderSignUp = graphql(`
  mutation CompleteProviderSignUp($input: CompleteSignUpInput!) {
    completeProviderSignUp(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken
        refreshToken
        session { id strength methods }
        user { id email emailVerified username displayName locale hasPassword identities { id provider } }
      }
      ... on EmailVerificationRequired { email }
    }
  }
`)

export const ProviderTokenOf = graphql(`
  query ProviderTokenOf($userId: ID!, $provider: ID!) {
    providerToken(userId: $userId, provider: $provider) { accessToken expiresAt scopes }
  }
`)

export const CreateProviderNonce = graphql(`
  mutation CreateProviderNonce {
    createProviderNonce { nonce expiresAt }
  }
`)

export const SignInWithIdToken = graphql(`
  mutation SignInWithIdToken($input: IdTokenInput!) {
    signInWithIdToken(input: $input) {
      __typename
      ... on AuthPayload {
        accessToken
        refreshToken
        deviceToken
        session { id strength methods }
        user { id email emailVerified displayName hasPassword identities { id provider } }
      }
      ... on SecondFactorRequired { ticket methods }
      ... on ProviderSignUpRequired { ticket provider email displayName expiresAt }
      ... on ProviderLinkRequired { ticket provider address: email expiresAt }
    }
  }
`)

export const StartProviderLink = graphql(`
  mutation StartProviderLink($input: StartProviderInput!) {
    startProviderLink(input: $input) { url expiresAt }
  }
`)

export const CompleteProviderLink = graphql(`
  mutation CompleteProviderLink($input: CompleteProviderInput!) {
    completeProviderLink(input: $input) { id provider displayName email }
  }
`)

export const LinkIdentity = graphql(`
  mutation LinkIdentity($input: LinkIdentityInput!) {
    linkIdentity(input: $input) { id provider displayName email }
  }
`)

export const UnlinkIdentity = graphql(`
  mutation UnlinkIdentity($id: ID!) {
    unlinkIdentity(id: $id) { id identities { id } }
  }
`)

export const StartProviderReauthentication = graphql(`
  mutation StartProviderReauthentication($input: StartProviderInput!) {
    startProviderReauthentication(input: $input) { url expiresAt }
  }
`)

export const CompleteProviderReauthentication = graphql(`
  mutation CompleteProviderReauthentication($input: CompleteProviderInput!) {
    completeProviderReauthentication(input: $input) { id strength methods authenticatedAt }
  }
`)

export const ProviderLogoutUrl = graphql(`
  query ProviderLogoutUrl($returnTo: String!) {
    providerLogoutUrl(returnTo: $returnTo)
  }
`)

export const LinkIdToken = graphql(`
  mutation LinkIdToken($input: IdTokenInput!) {
    linkIdToken(input: $input) { id provider }
  }
`)
