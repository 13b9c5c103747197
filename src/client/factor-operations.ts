import type * as Types from './generated/operations.ts'
import { loginFields, payloadFields, userFields } from './operations.ts'
import { typed } from './typed-text.ts'

const factorAddedFields = /* GraphQL */ `
  fragment FactorAddedFields on FactorAdded {
    recoveryCodes
    auth { __typename ...PayloadFields deviceToken passkeySuggestion }
  }
  ${payloadFields}
  ${userFields}
`

const passkeyFields = /* GraphQL */ `
  fragment PasskeyFields on Passkey { id name credentialId discoverable synced provider createdAt lastUsedAt }
`

const factorsFields = /* GraphQL */ `
  fragment FactorsFields on User {
    id hasPassword hasTotp recoveryCodesLeft secondFactorRequired passkeyUserHandle
    passkeys { ...PasskeyFields }
    trustedDevices { id name current trustedUntil lastUsedAt ipAddress }
  }
  ${passkeyFields}
`

export const CompleteLogin = typed<Types.CompleteLoginMutation, Types.CompleteLoginMutationVariables>(
  /* GraphQL */ `
  mutation CompleteLogin($input: CompleteLoginInput!) {
    completeLogin(input: $input) { __typename ...PayloadFields deviceToken passkeySuggestion }
  }
  ${payloadFields}
  ${userFields}
`,
)

export const RequestEmailLogin = typed<
  Types.RequestEmailLoginMutation,
  Types.RequestEmailLoginMutationVariables
>(/* GraphQL */ `
  mutation RequestEmailLogin($input: RequestEmailLoginInput!) {
    requestEmailLogin(input: $input) { ticket expiresAt }
  }
`)

export const LoginWithEmail = typed<Types.LoginWithEmailMutation, Types.LoginWithEmailMutationVariables>(
  /* GraphQL */ `
  mutation LoginWithEmail($input: LoginWithEmailInput!) { loginWithEmail(input: $input) { ...LoginFields } }
  ${loginFields}
`,
)

export const BeginPasskeyLogin = typed<
  Types.BeginPasskeyLoginMutation,
  Types.BeginPasskeyLoginMutationVariables
>(/* GraphQL */ `
  mutation BeginPasskeyLogin { beginPasskeyLogin { ticket options expiresAt } }
`)

export const LoginWithPasskey = typed<
  Types.LoginWithPasskeyMutation,
  Types.LoginWithPasskeyMutationVariables
>(/* GraphQL */ `
  mutation LoginWithPasskey($input: LoginWithPasskeyInput!) {
    loginWithPasskey(input: $input) { ...LoginFields }
  }
  ${loginFields}
`)

export const BeginPasskeyRegistration = typed<
  Types.BeginPasskeyRegistrationMutation,
  Types.BeginPasskeyRegistrationMutationVariables
>(/* GraphQL */ `
  mutation BeginPasskeyRegistration($input: BeginPasskeyRegistrationInput!) {
    beginPasskeyRegistration(input: $input) { ticket options expiresAt }
  }
`)

export const RegisterWithPasskey = typed<
  Types.RegisterWithPasskeyMutation,
  Types.RegisterWithPasskeyMutationVariables
>(/* GraphQL */ `
  mutation RegisterWithPasskey($input: RegisterWithPasskeyInput!) {
    registerWithPasskey(input: $input) {
      __typename
      ... on AuthPayload { ...PayloadFields deviceToken passkeySuggestion }
      ... on EmailVerificationRequired { email }
    }
  }
  ${payloadFields}
  ${userFields}
`)

export const StepUp = typed<Types.StepUpMutation, Types.StepUpMutationVariables>(/* GraphQL */ `
  mutation StepUp($input: StepUpInput!) { stepUp(input: $input) { ...PayloadFields } }
  ${payloadFields}
  ${userFields}
`)

export const Factors = typed<Types.FactorsQuery, Types.FactorsQueryVariables>(/* GraphQL */ `
  query Factors { me { ...FactorsFields } }
  ${factorsFields}
`)

export const SendEmailCode = typed<Types.SendEmailCodeMutation, Types.SendEmailCodeMutationVariables>(
  /* GraphQL */ `
  mutation SendEmailCode($input: TicketInput) { sendEmailCode(input: $input) }
`,
)

export const RequestFactorRecovery = typed<
  Types.RequestFactorRecoveryMutation,
  Types.RequestFactorRecoveryMutationVariables
>(/* GraphQL */ `
  mutation RequestFactorRecovery($input: FactorRecoveryInput!) { requestFactorRecovery(input: $input) }
`)

export const BeginTotp = typed<Types.BeginTotpMutation, Types.BeginTotpMutationVariables>(/* GraphQL */ `
  mutation BeginTotp($input: TicketInput) { beginTotp(input: $input) { ticket secret uri qrCode expiresAt } }
`)

export const ConfirmTotp = typed<
  Types.ConfirmTotpMutation,
  Types.ConfirmTotpMutationVariables
>(/* GraphQL */ `
  mutation ConfirmTotp($input: ConfirmTotpInput!) { confirmTotp(input: $input) { ...FactorAddedFields } }
  ${factorAddedFields}
`)

export const RemoveTotp = typed<Types.RemoveTotpMutation, Types.RemoveTotpMutationVariables>(/* GraphQL */ `
  mutation RemoveTotp { removeTotp { id } }
`)

export const RenewRecoveryCodes = typed<
  Types.RenewRecoveryCodesMutation,
  Types.RenewRecoveryCodesMutationVariables
>(/* GraphQL */ `
  mutation RenewRecoveryCodes { renewRecoveryCodes }
`)

export const BeginPasskey = typed<Types.BeginPasskeyMutation, Types.BeginPasskeyMutationVariables>(
  /* GraphQL */ `
  mutation BeginPasskey($input: BeginPasskeyInput) { beginPasskey(input: $input) { ticket options expiresAt } }
`,
)

export const AddPasskey = typed<Types.AddPasskeyMutation, Types.AddPasskeyMutationVariables>(/* GraphQL */ `
  mutation AddPasskey($input: AddPasskeyInput!) { addPasskey(input: $input) { ...FactorAddedFields } }
  ${factorAddedFields}
`)

export const BeginPasskeyProof = typed<
  Types.BeginPasskeyProofMutation,
  Types.BeginPasskeyProofMutationVariables
>(/* GraphQL */ `
  mutation BeginPasskeyProof { beginPasskeyProof { ticket options expiresAt } }
`)

export const RenamePasskey = typed<Types.RenamePasskeyMutation, Types.RenamePasskeyMutationVariables>(
  /* GraphQL */ `
  mutation RenamePasskey($id: ID!, $name: String!) { renamePasskey(id: $id, name: $name) { ...PasskeyFields } }
  ${passkeyFields}
`,
)

export const RemovePasskey = typed<Types.RemovePasskeyMutation, Types.RemovePasskeyMutationVariables>(
  /* GraphQL */ `
  mutation RemovePasskey($id: ID!) { removePasskey(id: $id) { id } }
`,
)

export const RemovePassword = typed<Types.RemovePasswordMutation, Types.RemovePasswordMutationVariables>(
  /* GraphQL */ `
  mutation RemovePassword { removePassword { id } }
`,
)

export const RequireSecondFactor = typed<
  Types.RequireSecondFactorMutation,
  Types.RequireSecondFactorMutationVariables
>(/* GraphQL */ `
  mutation RequireSecondFactor($required: Boolean!) { requireSecondFactor(required: $required) { id } }
`)

export const RevokeTrustedDevice = typed<
  Types.RevokeTrustedDeviceMutation,
  Types.RevokeTrustedDeviceMutationVariables
>(/* GraphQL */ `
  mutation RevokeTrustedDevice($id: ID!) { revokeTrustedDevice(id: $id) }
`)

export const RevokeTrustedDevices = typed<
  Types.RevokeTrustedDevicesMutation,
  Types.RevokeTrustedDevicesMutationVariables
>(/* GraphQL */ `
  mutation RevokeTrustedDevices { revokeTrustedDevices }
`)
