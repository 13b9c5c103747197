import type { App } from '../app.ts'
import type { Authenticate, RequestInfo, Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'
import { signedClaims, validServiceClaims } from '../keys/access-token.ts'
import { isTooWeak, isUnbound } from '../sessions/assurance.ts'
import { authenticateService } from './authenticate-service.ts'
import type { Service } from './find-service-account.ts'
import type { Form } from './form.ts'
import { isScopeToken } from './issue-token.ts'
import { OAuthError } from './oauth-error.ts'
import { presentedToken } from './presented-token.ts'

/** The permission to ask about tokens that others received. */
export const INTROSPECT = 'tokens:introspect'

/** RFC 7662, section 2.2. `permissions` is the list in `scope`, which can also have names that no scope can. */
export type Introspection = { active: false } | ({ active: true } & Record<string, unknown>)

const INACTIVE = { active: false } as const

/** The claims of a token that the answer repeats. */
const SHOWN = 'iss sub aud client_id sid exp iat jti acr amr auth_time act cnf'.split(' ')

/**
 * Says whether a token is live at this moment, as this server itself would decide: the access token of a session, an API
 * key or the token of a service account. A service account can ask about its own tokens, and with `tokens:introspect` about
 * those for its audiences. All others are inactive to it (RFC 7662, section 4).
 * @throws OAuthError invalid_request; unauthorized_client without the permission, whatever the token
 */
export async function introspect(
  app: App,
  caller: Service,
  form: Form,
  request: RequestInfo,
  authenticate: Authenticate,
): Promise<Introspection> {
  const token = presentedToken(form)
  const claims = signedClaims(app, token)
  const isOwn = claims?.sub === caller.id
  if (!isOwn && !caller.permissions.includes(INTROSPECT))
    throw new OAuthError('unauthorized_client', `The service account needs the permission ${INTROSPECT}.`)
  const audience = claims?.aud ?? app.config.tokens.audience
  if (!isOwn && !caller.audiences.includes(String(audience))) return INACTIVE
  const viewer = await live(app, token, claims, request, authenticate)
  if (!viewer) return INACTIVE
  // As its guards decide: see graphql/auth-checker.ts.
  const permissions = isTooWeak(app, viewer) || isUnbound(app, viewer) ? [] : viewer.account.permissions
  const scope = permissions.filter(isScopeToken).join(' ')
  return {
    active: true,
    // RFC 9449, section 6.2: the caller checks the proof, against `cnf`.
    token_type: claims?.cnf === undefined ? 'Bearer' : 'DPoP',
    ...(claims ? shown(claims) : factsOfKey(app, viewer)),
    permissions,
    ...(scope && { scope }),
  }
}

/** Who the token stands for; undefined if it is not live. */
async function live(
  app: App,
  token: string,
  claims: Record<string, unknown> | undefined,
  request: RequestInfo,
  authenticate: Authenticate,
): Promise<Viewer | undefined> {
  // The request comes from a service. What it says about the token's holder is in no event and no email.
  const origin = { ...request, bearerToken: token, ipAddress: undefined, userAgent: undefined }
  try {
    const service = claims && validServiceClaims(app, claims)
    return service ? await authenticateService(app, service) : await authenticate(app, token, origin)
  } catch (error) {
    if (error instanceof AuthError && error.code !== 'SERVICE_UNAVAILABLE') return undefined
    throw error
  }
}

function shown(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(SHOWN.filter(name => name in claims).map(name => [name, claims[name]]))
}

/** The same for an API key, whose text says nothing. */
function factsOfKey(app: App, { account, via }: Viewer): Record<string, unknown> {
  if (via.kind !== 'apiKey') return {}
  const { id, createdAt, expiresAt } = via.apiKey
  const seconds = (at: Date) => Math.floor(at.getTime() / 1000)
  const { issuer, audience } = app.config.tokens
  const times = { iat: seconds(createdAt), ...(expiresAt && { exp: seconds(expiresAt) }) }
  return { iss: issuer, sub: account.id, aud: audience, jti: id, ...times }
}
