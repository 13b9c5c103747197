import type * as Types from './generated/operations.ts'
import { typed } from './typed-text.ts'

export const userFields = /* GraphQL */ `
  fragment UserFields on User {
    id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt passwordChangedAt
  }
`

const payloadFields = /* GraphQL */ `
  fragment PayloadFields on AuthPayload { accessToken refreshToken session { id } user { ...UserFields } }
`

export const Register = typed<Types.RegisterMutation, Types.RegisterMutationVariables>(/* GraphQL */ `
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      __typename
      ... on AuthPayload { ...PayloadFields deviceToken }
      ... on EmailVerificationRequired { email }
    }
  }
  ${payloadFields}
  ${userFields}
`)

export const Login = typed<Types.LoginMutation, Types.LoginMutationVariables>(/* GraphQL */ `
  mutation Login($input: LoginInput!) {
    login(input: $input) { __typename ... on AuthPayload { ...PayloadFields deviceToken } }
  }
  ${payloadFields}
  ${userFields}
`)

export const RequestEmailLogin = typed<
  Types.RequestEmailLoginMutation,
  Types.RequestEmailLoginMutationVariables
>(/* GraphQL */ `
  mutation RequestEmailLogin($input: RequestEmailLoginInput!) {
    requestEmailLogin(input: $input) { ticket expiresAt }
  }
`)

export const LoginWithEmail = typed<
  Types.LoginWithEmailMutation,
  Types.LoginWithEmailMutationVariables
>(/* GraphQL */ `
  mutation LoginWithEmail($input: LoginWithEmailInput!) {
    loginWithEmail(input: $input) { __typename ... on AuthPayload { ...PayloadFields deviceToken } }
  }
  ${payloadFields}
  ${userFields}
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
