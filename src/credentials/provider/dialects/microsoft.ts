import type { ProviderSettings } from '../../../provider-settings/settings.ts'
import { baseOf, type Claims, type Dialect, standardStatement } from '../dialect.ts'

const TENANT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The tenant of personal Microsoft accounts. */
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'

/**
 * Each tenant is an issuer of its own, which the token's `tid` names. An administrator of any tenant can give a user
 * any address, so an address is relied on only with `xms_edov`: the tenant owns the domain ("nOAuth").
 */
export const microsoft: Dialect = {
  proof: 'claims',
  algorithm: 'RS256',
  discoverAt: provider => `${baseOf(provider)}/${authorityOf(provider)}/v2.0`,
  freshSignIn: { prompt: 'login', max_age: '0' },
  chooseAccount: { prompt: 'select_account' },
  issuerOf: (provider, { tid }) =>
    typeof tid === 'string' && admits(provider, tid) ? `${baseOf(provider)}/${tid}/v2.0` : undefined,
  read: (_provider, claims) => ({ ...standardStatement(claims), emailVerified: ownsDomain(claims) }),
  trust: (_statement, claims) => (ownsDomain(claims) ? 'authoritative' : 'never'),
}

/** The endpoint that the accounts sign in at: the tenant's own, or one for several. */
function authorityOf({ tenants }: ProviderSettings): string {
  const [first = 'common', ...others] = tenants
  return others.length > 0 ? 'common' : first
}

function admits({ tenants }: ProviderSettings, tid: string): boolean {
  if (!TENANT_ID.test(tid)) return false
  if (tenants.includes('common')) return true
  if (tenants.includes('organizations')) return tid !== CONSUMERS
  return tenants.includes(tid) || (tenants.includes('consumers') && tid === CONSUMERS)
}

/** `xms_edov` comes as true, 1, "1" or "true". Undefined if the token has none: it is optional. */
function ownsDomain({ xms_edov }: Claims): boolean | undefined {
  if (xms_edov === undefined) return undefined
  return [true, 1, '1', 'true'].includes(xms_edov as string)
}
