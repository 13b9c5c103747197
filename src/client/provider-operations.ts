import type * as Types from './generated/operations.ts'
import { loginFields, payloadFields, userFields } from './operations.ts'
import { typed } from './typed-text.ts'

const identityFields = /* GraphQL */ `
  fragment IdentityFields on Identity { id provider displayName email createdAt lastUsedAt }
`

const redirectFields = /* GraphQL */ `
  fragment RedirectFields on ProviderRedirect { url expiresAt }
`

/** What a sign-in with a provider answers, besides what every sign-in does. */
const providerLoginFields = /* GraphQL */ `
  fragment ProviderLoginFields on LoginResult {
    ...LoginFields
    ... on ProviderSignUpRequired { ticket provider suggestedEmail: email displayName expiresAt }
    ... on ProviderLinkRequired { ticket provider email expiresAt }
  }
  ${loginFields}
`

export const StartProviderSignIn = typed<
  Types.StartProviderSignInMutation,
  Types.StartProviderSignInMutationVariables
>(/* GraphQL */ `
  mutation StartProviderSignIn($input: StartProviderInput!) {
    startProviderSignIn(input: $input) { ...RedirectFields }
  }
  ${redirectFields}
`)

export const CompleteProviderSignIn = typed<
  Types.CompleteProviderSignInMutation,
  Types.CompleteProviderSignInMutationVariables
>(/* GraphQL */ `
  mutation CompleteProviderSignIn($input: CompleteProviderInput!) {
    completeProviderSignIn(input: $input) { ...ProviderLoginFields }
  }
  ${providerLoginFields}
`)

export const CompleteProviderSignUp = typed<
  Types.CompleteProviderSignUpMutation,
  Types.CompleteProviderSignUpMutationVariables
>(/* GraphQL */ `
  mutation CompleteProviderSignUp($input: CompleteSignUpInput!) {
    completeProviderSignUp(input: $input) {
      __typename
      ... on AuthPayload { ...PayloadFields deviceToken passkeySuggestion }
      ... on EmailVerificationRequired { email }
    }
  }
  ${payloadFields}
  ${userFields}
`)

export const Identities = typed<Types.IdentitiesQuery, Types.IdentitiesQueryVariables>(/* GraphQL */ `
  query Identities { me { hasPassword identities { ...IdentityFields } } }
  ${identityFields}
`)
