import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import type { Account } from '../context.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'

type Claims = Record<string, unknown>

/** Whom a token is about. A service account has no address, and a token with a scope has no roles. */
type Holder = {
  id: string
  permissions: readonly string[]
  roles: readonly string[] | undefined
  address?: Pick<Account, 'email' | 'emailVerifiedAt'>
}

const claimsOf: Record<Config['tokens']['claims'][number], (holder: Holder) => Claims> = {
  permissions: ({ permissions }) => ({ permissions }),
  // RFC 9068, section 2.2.3.1.
  roles: ({ roles }) => ({ roles }),
  role: ({ roles }) => ({ role: mainRole(roles) }),
  // OpenID Connect Core 1.0, section 5.1.
  email: ({ address }) =>
    address ? { email: address.email, email_verified: address.emailVerifiedAt !== null } : {},
  hasura: ({ id, roles }) => ({ 'https://hasura.io/jwt/claims': hasuraClaims(id, roles) }),
}

/** The claims that the setting TOKEN_CLAIMS adds to access tokens. */
export function configuredClaims(app: App, account: Account): Claims {
  // A copy of the whole account would be a visible part of a refresh.
  const { id, permissions, roles } = account
  return claimsOfGrants(app, { id, permissions, roles, address: account })
}

/** The same for anyone with permissions. */
export function claimsOfGrants(app: App, holder: Holder): Claims {
  return Object.assign({}, ...app.config.tokens.claims.map(name => claimsOf[name](holder)))
}

/** The role of services that know only one a user: `user`, or the first of an account that does not have it. */
function mainRole(roles: readonly string[] = []): string | undefined {
  return roles.includes(DEFAULT_ROLE) ? DEFAULT_ROLE : roles[0]
}

/** Hasura refuses tokens without the claim, so an account without a role has none. */
function hasuraClaims(id: string, roles: readonly string[] | undefined): Claims | undefined {
  const main = mainRole(roles)
  if (main === undefined) return undefined
  return { 'x-hasura-user-id': id, 'x-hasura-default-role': main, 'x-hasura-allowed-roles': roles }
}
