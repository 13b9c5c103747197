import * as operations from './admin-operations.ts'
import type { AuthClient } from './client.ts'
import type * as Generated from './generated/operations.ts'

/** An account as administrators see it. */
export type ManagedUser = Generated.ManagedUserFieldsFragment
/** An account with its live sessions. */
export type ManagedUserWithSessions = NonNullable<Generated.UserQuery['user']>
export type Role = Generated.RoleFieldsFragment
/** One page of a list. `pageInfo.endCursor` is the `after` of the next one. */
export type UserPage = Generated.UsersQuery['users']
export type AuditPage = Generated.AuditLogQuery['auditLog']
export type FailedEmailPage = Generated.FailedMailsQuery['failedMails']
/** The access token of a session in which an administrator acts as another user. */
export type Impersonation = Generated.ImpersonateUserMutation['impersonateUser']
export type SigningKey = Generated.RotateSigningKeyMutation['rotateSigningKey']
export type UserListOptions = Generated.UsersQueryVariables
export type AuditListOptions = Generated.AuditLogQueryVariables
export type ListOptions = Generated.FailedMailsQueryVariables
export type InviteUserInput = Generated.InviteUserInput
export type UpdateUserInput = Generated.UpdateUserInput
export type RoleInput = Generated.RoleInput
export type ServiceAccount = Generated.ServiceAccountFieldsFragment
/** A service account with its new secret, which the server cannot show again. Null if it authenticates with keys. */
export type ServiceAccountCreated = Generated.CreateServiceAccountMutation['createServiceAccount']
export type ServiceAccountInput = Generated.ServiceAccountInput
export type UpdateServiceAccountInput = Generated.UpdateServiceAccountInput
export type Webhook = Generated.WebhookFieldsFragment
/** A webhook with the secret that signs its messages, which the server cannot show again. */
export type WebhookCreated = Generated.CreateWebhookMutation['createWebhook']
export type WebhookInput = Generated.WebhookInput
export type WebhookDelivery = Generated.WebhookDeliveryFieldsFragment
export type WebhookDeliveryPage = Generated.FailedWebhookDeliveriesQuery['failedWebhookDeliveries']

export type AdminClient = ReturnType<typeof createAdminClient>

/**
 * What administrators do, as the user of `client`. Each function names the permission that the server requires; without
 * it, the function throws AuthError FORBIDDEN. Some changes require a recent sign-in: see `client.reauthenticate`.
 */
export function createAdminClient({ request }: AuthClient) {
  return {
    /** Lists accounts, 20 at a time by default. Requires `users:read`. */
    users: async (options: UserListOptions = {}): Promise<UserPage> =>
      (await request(operations.Users, options)).users,

    /** An account with its sessions. Without one, it throws AuthError NOT_FOUND. Requires `users:read`. */
    user: async (id: string): Promise<ManagedUserWithSessions | null> =>
      (await request(operations.User, { id })).user ?? null,

    /** Creates an account and emails a link to set its password. Requires `users:write`. */
    inviteUser: async (input: InviteUserInput): Promise<ManagedUser> =>
      (await request(operations.InviteUser, { input })).inviteUser,

    /** Requires `users:write`. */
    updateUser: async (id: string, input: UpdateUserInput): Promise<ManagedUser> =>
      (await request(operations.UpdateUser, { id, input })).updateUser,

    /** Replaces the roles of an account. Requires `roles:write`. */
    setUserRoles: async (id: string, roles: string[]): Promise<ManagedUser> =>
      (await request(operations.SetUserRoles, { id, roles })).setUserRoles,

    /** Ends all sessions of an account and prevents new ones. Requires `users:write`. */
    disableUser: async (id: string, reason?: string): Promise<ManagedUser> =>
      (await request(operations.DisableUser, { id, reason: reason ?? null })).disableUser,

    /** Requires `users:write`. */
    enableUser: async (id: string): Promise<ManagedUser> =>
      (await request(operations.EnableUser, { id })).enableUser,

    /** Deletes an account and its data. Requires `users:delete`. */
    deleteUser: async (id: string): Promise<void> => {
      await request(operations.DeleteUser, { id })
    },

    /** Ends all sessions of an account, and returns how many ended. Requires `users:write`. */
    revokeUserSessions: async (id: string): Promise<number> =>
      (await request(operations.RevokeUserSessions, { id })).revokeUserSessions,

    /**
     * Starts a session in which you act as another user, for 30 minutes. Pass the token to a client of its own:
     * `createAuthClient({ url, accessToken })`. Requires `users:impersonate` and a recent sign-in.
     */
    impersonateUser: async (id: string, reason: string): Promise<Impersonation> =>
      (await request(operations.ImpersonateUser, { id, reason })).impersonateUser,

    /** Ends the time in which a link in an email can undo a change of address. Requires `users:write`. */
    endEmailChangeUndo: async (id: string): Promise<ManagedUser> =>
      (await request(operations.EndUserEmailChangeUndo, { id })).endEmailChangeUndo,

    roles: async (): Promise<Role[]> => (await request(operations.Roles)).roles,

    /** Requires `roles:write`. */
    createRole: async (input: RoleInput): Promise<Role> =>
      (await request(operations.CreateRole, { input })).createRole,

    /** Requires `roles:write`. */
    updateRole: async (name: string, input: RoleInput): Promise<Role> =>
      (await request(operations.UpdateRole, { name, input })).updateRole,

    /** Requires `roles:write`. */
    deleteRole: async (name: string): Promise<void> => {
      await request(operations.DeleteRole, { name })
    },

    /** Lists events of the audit log, 20 at a time by default. Requires `audit:read`. */
    auditLog: async (options: AuditListOptions = {}): Promise<AuditPage> =>
      (await request(operations.AuditLog, options)).auditLog,

    /** Lists emails that could not be delivered, 20 at a time by default. Requires `audit:read`. */
    failedEmails: async (options: ListOptions = {}): Promise<FailedEmailPage> =>
      (await request(operations.FailedMails, options)).failedMails,

    /** Sends a failed email again. Requires `users:write`. */
    retryEmail: async (id: string): Promise<void> => {
      await request(operations.RetryMail, { id })
    },

    /** Replaces the signing key. With `revoke`, tokens of the previous key become invalid. Requires `keys:write`. */
    rotateSigningKey: async (options: { revoke?: boolean } = {}): Promise<SigningKey> =>
      (await request(operations.RotateSigningKey, { revoke: options.revoke ?? false })).rotateSigningKey,

    /** Lists all service accounts. Requires `services:write`. */
    serviceAccounts: async (): Promise<ServiceAccount[]> =>
      (await request(operations.ServiceAccounts)).serviceAccounts,

    /** Creates a service account, with a secret unless it has keys. Requires `services:write` and a recent sign-in. */
    createServiceAccount: async (input: ServiceAccountInput): Promise<ServiceAccountCreated> =>
      (await request(operations.CreateServiceAccount, { input })).createServiceAccount,

    /** Requires `services:write`. */
    updateServiceAccount: async (id: string, input: UpdateServiceAccountInput): Promise<ServiceAccount> =>
      (await request(operations.UpdateServiceAccount, { id, input })).updateServiceAccount,

    /**
     * Replaces the secret of a service account. The previous one stays valid for up to 7 days if you say so. Requires
     * `services:write`.
     */
    rotateServiceAccountSecret: async (
      id: string,
      options: { previousValidSeconds?: number } = {},
    ): Promise<ServiceAccountCreated> =>
      (await request(operations.RotateServiceAccountSecret, { id, ...options })).rotateServiceAccountSecret,

    /** Requires `services:write`. */
    deleteServiceAccount: async (id: string): Promise<void> => {
      await request(operations.DeleteServiceAccount, { id })
    },

    /** Lists all webhooks. Requires `webhooks:write`. */
    webhooks: async (): Promise<Webhook[]> => (await request(operations.Webhooks)).webhooks,

    /** Requires `webhooks:write`. */
    createWebhook: async (input: WebhookInput): Promise<WebhookCreated> =>
      (await request(operations.CreateWebhook, { input })).createWebhook,

    /** Requires `webhooks:write`. */
    updateWebhook: async (id: string, input: WebhookInput): Promise<Webhook> =>
      (await request(operations.UpdateWebhook, { id, input })).updateWebhook,

    /** Creates a new secret. For 24 hours, the former one signs every message too. Requires `webhooks:write`. */
    rotateWebhookSecret: async (id: string): Promise<WebhookCreated> =>
      (await request(operations.RotateWebhookSecret, { id })).rotateWebhookSecret,

    /** Requires `webhooks:write`. */
    deleteWebhook: async (id: string): Promise<void> => {
      await request(operations.DeleteWebhook, { id })
    },

    /** Lists events that a webhook did not accept, 20 at a time by default. Requires `webhooks:write`. */
    failedWebhookDeliveries: async (options: ListOptions = {}): Promise<WebhookDeliveryPage> =>
      (await request(operations.FailedWebhookDeliveries, options)).failedWebhookDeliveries,

    /** Sends a failed event again, with the same `webhook-id`. Requires `webhooks:write`. */
    retryWebhookDelivery: async (id: string): Promise<WebhookDelivery> =>
      (await request(operations.RetryWebhookDelivery, { id })).retryWebhookDelivery,
  }
}
