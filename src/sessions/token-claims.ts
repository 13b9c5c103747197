import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import type { Account } from '../context.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'

type Claims = Record<string, unknown>

const claimsOf: Record<Config['tokens']['claims'][number], (account: Account) => Claims> = {
  permissions: ({ permissions }) => ({ permissions }),
  // RFC 9068, section 2.2.3.1.
  roles: ({ roles }) => ({ roles }),
  role: ({ roles }) => ({ role: mainRole(roles) }),
  // OpenID Connect Core 1.0, section 5.1.
  email: ({ email, emailVerifiedAt }) => ({ email, email_verified: emailVerifiedAt !== null }),
  hasura: ({ id, roles }) => ({ 'https://hasura.io/jwt/claims': hasuraClaims(id, roles) }),
}

/** The claims that the setting TOKEN_CLAIMS adds to access tokens. */
export function configuredClaims(app: App, account: Account): Claims {
  return Object.assign({}, ...app.config.tokens.claims.map(name => claimsOf[name](account)))
}

/** The role of services that know only one a user: `user`, or the first of an account that does not have it. */
function mainRole(roles: readonly string[]): string | undefined {
  return roles.includes(DEFAULT_ROLE) ? DEFAULT_ROLE : roles[0]
}

/** Hasura refuses tokens without the claim, so an account without a role has none. */
function hasuraClaims(id: string, roles: readonly string[]): Claims | undefined {
  const main = mainRole(roles)
  if (main === undefined) return undefined
  return { 'x-hasura-user-id': id, 'x-hasura-default-role': main, 'x-hasura-allowed-roles': roles }
}
