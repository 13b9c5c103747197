import type * as Types from './generated/operations.ts'
import { typed } from './typed-text.ts'

const managedFields = /* GraphQL */ `
  fragment ManagedUserFields on User {
    id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt
    passwordChangedAt disabledAt emailChangeUndoableUntil publicMetadata privateMetadata
  }
`

const roleFields = /* GraphQL */ `
  fragment RoleFields on Role { name description permissions builtIn }
`

const pageFields = /* GraphQL */ `
  fragment PageFields on PageInfo { hasNextPage hasPreviousPage startCursor endCursor }
`

const serviceAccountFields = /* GraphQL */ `
  fragment ServiceAccountFields on ServiceAccount {
    id name roles permissions audiences hasSecret previousSecretUntil keyIds createdAt lastUsedAt
  }
`

const webhookFields = /* GraphQL */ `
  fragment WebhookFields on Webhook { id url events enabled createdAt }
`

const webhookDeliveryFields = /* GraphQL */ `
  fragment WebhookDeliveryFields on WebhookDelivery { id webhookId event attempts lastError createdAt }
`

export const Users = typed<Types.UsersQuery, Types.UsersQueryVariables>(/* GraphQL */ `
  query Users(
    $first: Int, $after: String, $last: Int, $before: String, $filter: UserFilter, $orderBy: UserOrder
  ) {
    users(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      nodes { ...ManagedUserFields } pageInfo { ...PageFields } totalCount
    }
  }
  ${managedFields}
  ${pageFields}
`)

export const User = typed<Types.UserQuery, Types.UserQueryVariables>(/* GraphQL */ `
  query User($id: ID!) { user(id: $id) { ...ManagedUserFields sessions { ...ManagedSessionFields } } }
  fragment ManagedSessionFields on Session {
    id deviceName ipAddress userAgent createdAt lastUsedAt expiresAt authenticatedAt revokedAt
  }
  ${managedFields}
`)

export const InviteUser = typed<Types.InviteUserMutation, Types.InviteUserMutationVariables>(/* GraphQL */ `
  mutation InviteUser($input: InviteUserInput!) { inviteUser(input: $input) { ...ManagedUserFields } }
  ${managedFields}
`)

export const UpdateUser = typed<Types.UpdateUserMutation, Types.UpdateUserMutationVariables>(/* GraphQL */ `
  mutation UpdateUser($id: ID!, $input: UpdateUserInput!) {
    updateUser(id: $id, input: $input) { ...ManagedUserFields }
  }
  ${managedFields}
`)

export const SetUserRoles = typed<
  Types.SetUserRolesMutation,
  Types.SetUserRolesMutationVariables
>(/* GraphQL */ `
  mutation SetUserRoles($id: ID!, $roles: [String!]!) {
    setUserRoles(id: $id, roles: $roles) { ...ManagedUserFields }
  }
  ${managedFields}
`)

export const DisableUser = typed<
  Types.DisableUserMutation,
  Types.DisableUserMutationVariables
>(/* GraphQL */ `
  mutation DisableUser($id: ID!, $reason: String) {
    disableUser(id: $id, reason: $reason) { ...ManagedUserFields }
  }
  ${managedFields}
`)

export const EnableUser = typed<Types.EnableUserMutation, Types.EnableUserMutationVariables>(/* GraphQL */ `
  mutation EnableUser($id: ID!) { enableUser(id: $id) { ...ManagedUserFields } }
  ${managedFields}
`)

export const DeleteUser = typed<Types.DeleteUserMutation, Types.DeleteUserMutationVariables>(/* GraphQL */ `
  mutation DeleteUser($id: ID!) { deleteUser(id: $id) }
`)

export const RevokeUserSessions = typed<
  Types.RevokeUserSessionsMutation,
  Types.RevokeUserSessionsMutationVariables
>(/* GraphQL */ `
  mutation RevokeUserSessions($id: ID!) { revokeUserSessions(id: $id) }
`)

export const ImpersonateUser = typed<
  Types.ImpersonateUserMutation,
  Types.ImpersonateUserMutationVariables
>(/* GraphQL */ `
  mutation ImpersonateUser($id: ID!, $reason: String!) {
    impersonateUser(id: $id, reason: $reason) { accessToken accessTokenExpiresAt session { id } }
  }
`)

export const EndUserEmailChangeUndo = typed<
  Types.EndUserEmailChangeUndoMutation,
  Types.EndUserEmailChangeUndoMutationVariables
>(/* GraphQL */ `
  mutation EndUserEmailChangeUndo($id: ID!) { endEmailChangeUndo(id: $id) { ...ManagedUserFields } }
  ${managedFields}
`)

export const Roles = typed<Types.RolesQuery, Types.RolesQueryVariables>(/* GraphQL */ `
  query Roles { roles { ...RoleFields } }
  ${roleFields}
`)

export const CreateRole = typed<Types.CreateRoleMutation, Types.CreateRoleMutationVariables>(/* GraphQL */ `
  mutation CreateRole($input: RoleInput!) { createRole(input: $input) { ...RoleFields } }
  ${roleFields}
`)

export const UpdateRole = typed<Types.UpdateRoleMutation, Types.UpdateRoleMutationVariables>(/* GraphQL */ `
  mutation UpdateRole($name: String!, $input: RoleInput!) {
    updateRole(name: $name, input: $input) { ...RoleFields }
  }
  ${roleFields}
`)

export const DeleteRole = typed<Types.DeleteRoleMutation, Types.DeleteRoleMutationVariables>(/* GraphQL */ `
  mutation DeleteRole($name: String!) { deleteRole(name: $name) }
`)

export const AuditLog = typed<Types.AuditLogQuery, Types.AuditLogQueryVariables>(/* GraphQL */ `
  query AuditLog($first: Int, $after: String, $last: Int, $before: String, $filter: AuditFilter) {
    auditLog(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
      nodes {
        id at action ipAddress userAgent detail
        actor { id username displayName } subject { id username displayName }
      }
      pageInfo { ...PageFields }
      totalCount
    }
  }
  ${pageFields}
`)

export const FailedMails = typed<Types.FailedMailsQuery, Types.FailedMailsQueryVariables>(/* GraphQL */ `
  query FailedMails($first: Int, $after: String, $last: Int, $before: String) {
    failedMails(first: $first, after: $after, last: $last, before: $before) {
      nodes { id recipient template attempts lastError createdAt expiresAt }
      pageInfo { ...PageFields }
      totalCount
    }
  }
  ${pageFields}
`)

export const RetryMail = typed<Types.RetryMailMutation, Types.RetryMailMutationVariables>(/* GraphQL */ `
  mutation RetryMail($id: ID!) { retryMail(id: $id) }
`)

export const RotateSigningKey = typed<
  Types.RotateSigningKeyMutation,
  Types.RotateSigningKeyMutationVariables
>(/* GraphQL */ `
  mutation RotateSigningKey($revoke: Boolean) {
    rotateSigningKey(revoke: $revoke) { kid algorithm createdAt retiredAt }
  }
`)

export const ServiceAccounts = typed<
  Types.ServiceAccountsQuery,
  Types.ServiceAccountsQueryVariables
>(/* GraphQL */ `
  query ServiceAccounts { serviceAccounts { ...ServiceAccountFields } }
  ${serviceAccountFields}
`)

export const CreateServiceAccount = typed<
  Types.CreateServiceAccountMutation,
  Types.CreateServiceAccountMutationVariables
>(/* GraphQL */ `
  mutation CreateServiceAccount($input: ServiceAccountInput!) {
    createServiceAccount(input: $input) { secret serviceAccount { ...ServiceAccountFields } }
  }
  ${serviceAccountFields}
`)

export const UpdateServiceAccount = typed<
  Types.UpdateServiceAccountMutation,
  Types.UpdateServiceAccountMutationVariables
>(/* GraphQL */ `
  mutation UpdateServiceAccount($id: ID!, $input: UpdateServiceAccountInput!) {
    updateServiceAccount(id: $id, input: $input) { ...ServiceAccountFields }
  }
  ${serviceAccountFields}
`)

export const RotateServiceAccountSecret = typed<
  Types.RotateServiceAccountSecretMutation,
  Types.RotateServiceAccountSecretMutationVariables
>(/* GraphQL */ `
  mutation RotateServiceAccountSecret($id: ID!, $previousValidSeconds: Int) {
    rotateServiceAccountSecret(id: $id, previousValidSeconds: $previousValidSeconds) { secret serviceAccount { ...ServiceAccountFields } }
  }
  ${serviceAccountFields}
`)

export const DeleteServiceAccount = typed<
  Types.DeleteServiceAccountMutation,
  Types.DeleteServiceAccountMutationVariables
>(/* GraphQL */ `
  mutation DeleteServiceAccount($id: ID!) { deleteServiceAccount(id: $id) }
`)

export const Webhooks = typed<Types.WebhooksQuery, Types.WebhooksQueryVariables>(/* GraphQL */ `
  query Webhooks { webhooks { ...WebhookFields } }
  ${webhookFields}
`)

export const CreateWebhook = typed<
  Types.CreateWebhookMutation,
  Types.CreateWebhookMutationVariables
>(/* GraphQL */ `
  mutation CreateWebhook($input: WebhookInput!) {
    createWebhook(input: $input) { secret webhook { ...WebhookFields } }
  }
  ${webhookFields}
`)

export const UpdateWebhook = typed<
  Types.UpdateWebhookMutation,
  Types.UpdateWebhookMutationVariables
>(/* GraphQL */ `
  mutation UpdateWebhook($id: ID!, $input: WebhookInput!) {
    updateWebhook(id: $id, input: $input) { ...WebhookFields }
  }
  ${webhookFields}
`)

export const RotateWebhookSecret = typed<
  Types.RotateWebhookSecretMutation,
  Types.RotateWebhookSecretMutationVariables
>(/* GraphQL */ `
  mutation RotateWebhookSecret($id: ID!) {
    rotateWebhookSecret(id: $id) { secret webhook { ...WebhookFields } }
  }
  ${webhookFields}
`)

export const DeleteWebhook = typed<
  Types.DeleteWebhookMutation,
  Types.DeleteWebhookMutationVariables
>(/* GraphQL */ `
  mutation DeleteWebhook($id: ID!) { deleteWebhook(id: $id) }
`)

export const FailedWebhookDeliveries = typed<
  Types.FailedWebhookDeliveriesQuery,
  Types.FailedWebhookDeliveriesQueryVariables
>(/* GraphQL */ `
  query FailedWebhookDeliveries($first: Int, $after: String, $last: Int, $before: String) {
    failedWebhookDeliveries(first: $first, after: $after, last: $last, before: $before) {
      nodes { ...WebhookDeliveryFields } pageInfo { ...PageFields } totalCount
    }
  }
  ${webhookDeliveryFields}
  ${pageFields}
`)

export const RetryWebhookDelivery = typed<
  Types.RetryWebhookDeliveryMutation,
  Types.RetryWebhookDeliveryMutationVariables
>(/* GraphQL */ `
  mutation RetryWebhookDelivery($id: ID!) { retryWebhookDelivery(id: $id) { ...WebhookDeliveryFields } }
  ${webhookDeliveryFields}
`)
