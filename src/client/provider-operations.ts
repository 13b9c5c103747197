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

export const StartProviderLink = typed<
  Types.StartProviderLinkMutation,
  Types.StartProviderLinkMutationVariables
>(/* GraphQL */ `
  mutation StartProviderLink($input: StartProviderInput!) {
    startProviderLink(input: $input) { ...RedirectFields }
  }
  ${redirectFields}
`)

export const CompleteProviderLink = typed<
  Types.CompleteProviderLinkMutation,
  Types.CompleteProviderLinkMutationVariables
>(/* GraphQL */ `
  mutation CompleteProviderLink($input: CompleteProviderInput!) {
    completeProviderLink(input: $input) { ...IdentityFields }
  }
  ${identityFields}
`)

export const LinkIdentity = typed<Types.LinkIdentityMutation, Types.LinkIdentityMutationVariables>(
  /* GraphQL */ `
  mutation LinkIdentity($input: LinkIdentityInput!) { linkIdentity(input: $input) { ...IdentityFields } }
  ${identityFields}
`,
)

export const UnlinkIdentity = typed<Types.UnlinkIdentityMutation, Types.UnlinkIdentityMutationVariables>(
  /* GraphQL */ `
  mutation UnlinkIdentity($id: ID!) { unlinkIdentity(id: $id) { id } }
`,
)

export const StartProviderReauthentication = typed<
  Types.StartProviderReauthenticationMutation,
  Types.StartProviderReauthenticationMutationVariables
>(/* GraphQL */ `
  mutation StartProviderReauthentication($input: StartProviderInput!) {
    startProviderReauthentication(input: $input) { ...RedirectFields }
  }
  ${redirectFields}
`)

export const CompleteProviderReauthentication = typed<
  Types.CompleteProviderReauthenticationMutation,
  Types.CompleteProviderReauthenticationMutationVariables
>(/* GraphQL */ `
  mutation CompleteProviderReauthentication($input: CompleteProviderInput!) {
    completeProviderReauthentication(input: $input) { id authenticatedAt }
  }
`)

export const CreateProviderNonce = typed<
  Types.CreateProviderNonceMutation,
  Types.CreateProviderNonceMutationVariables
>(/* GraphQL */ `
  mutation CreateProviderNonce { createProviderNonce { nonce expiresAt } }
`)

export const SignInWithIdToken = typed<
  Types.SignInWithIdTokenMutation,
  Types.SignInWithIdTokenMutationVariables
>(/* GraphQL */ `
  mutation SignInWithIdToken($input: IdTokenInput!) { signInWithIdToken(input: $input) { ...ProviderLoginFields } }
  ${providerLoginFields}
`)

export const Identities = typed<Types.IdentitiesQuery, Types.IdentitiesQueryVariables>(/* GraphQL */ `
  query Identities { me { hasPassword identities { ...IdentityFields } } }
  ${identityFields}
`)

export const ProviderLogoutUrl = typed<
  Types.ProviderLogoutUrlQuery,
  Types.ProviderLogoutUrlQueryVariables
>(/* GraphQL */ `
  query ProviderLogoutUrl($returnTo: String!) { providerLogoutUrl(returnTo: $returnTo) }
`)
