import type * as Types from './generated/operations.ts'
import { typed } from './typed-text.ts'

export const userFields = /* GraphQL */ `
  fragment UserFields on User {
    id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt passwordChangedAt
  }
`

export const payloadFields = /* GraphQL */ `
  fragment PayloadFields on AuthPayload { accessToken refreshToken session { id boundToKey } user { ...UserFields } }
`

/** What each way to sign in answers. */
export const loginFields = /* GraphQL */ `
  fragment LoginFields on LoginResult {
    __typename
    ... on AuthPayload { ...PayloadFields deviceToken passkeySuggestion }
    ... on SecondFactorRequired { ticket expiresAt methods passkeyOptions canTrustDevice }
    ... on SecondFactorSetupRequired { ticket expiresAt methods }
  }
  ${payloadFields}
  ${userFields}
`

export const Register = typed<Types.RegisterMutation, Types.RegisterMutationVariables>(/* GraphQL */ `
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      __typename
      ... on AuthPayload { ...PayloadFields deviceToken passkeySuggestion }
      ... on EmailVerificationRequired { email }
    }
  }
  ${payloadFields}
  ${userFields}
`)

export const Login = typed<Types.LoginMutation, Types.LoginMutationVariables>(/* GraphQL */ `
  mutation Login($input: LoginInput!) {
    login(input: $input) { ...LoginFields }
  }
  ${loginFields}
`)

export const Refresh = typed<Types.RefreshMutation, Types.RefreshMutationVariables>(/* GraphQL */ `
  mutation Refresh($input: RefreshTokenInput) {
    refreshToken(input: $input) { ...PayloadFields }
  }
  ${payloadFields}
  ${userFields}
`)

export const Logout = typed<Types.LogoutMutation, Types.LogoutMutationVariables>(/* GraphQL */ `
  mutation Logout($input: LogoutInput) { logout(input: $input) }
`)

export const Me = typed<Types.MeQuery, Types.MeQueryVariables>(/* GraphQL */ `
  query Me { me { ...UserFields } }
  ${userFields}
`)
