import type { App } from '../app.ts'
import type { Account, Viewer } from '../context.ts'
import { unauthenticated } from '../errors.ts'
import type { ServiceClaims } from '../keys/access-token.ts'
import { cutTo } from '../permissions/cut.ts'
import { findServiceOfToken, type Service } from './find-service-account.ts'

/**
 * The service account whose token has these claims. Every request looks it up, so that it loses immediately what its roles
 * lose, and its tokens end with it.
 * @throws AuthError UNAUTHENTICATED with the reason REVOKED
 */
export async function authenticateService(app: App, claims: ServiceClaims): Promise<Viewer> {
  const found = await findServiceOfToken(app, claims)
  if (!found || found.revoked || found.service.generation !== claims.gen) throw unauthenticated('REVOKED')
  const { service } = found
  const scope = claims.scope?.split(' ')
  const permissions = scope ? cutTo(service.permissions, scope) : service.permissions
  const { id, name, audiences } = service
  return {
    account: accountOf(service, permissions),
    via: { kind: 'serviceAccount', serviceAccount: { id, name, audiences }, scope },
  }
}

/** What resolvers see of a service account. It has no address, and nothing that a person has. */
function accountOf({ id, name, roles, createdAt }: Service, permissions: readonly string[]): Account {
  return {
    id,
    displayName: name,
    roles,
    permissions,
    email: '',
    emailCanonical: '',
    emailVerifiedAt: null,
    username: null,
    locale: 'en',
    passwordHash: null,
    passwordChangedAt: null,
    lastLoginAt: null,
    disabledAt: null,
    disabledReason: null,
    credentialVersion: 0,
    secondFactorRequired: false,
    enrollmentRequired: false,
    secondFactorRequiredFrom: null,
    invitedAt: null,
    publicMetadata: {},
    privateMetadata: {},
    createdAt,
    updatedAt: createdAt,
  }
}
