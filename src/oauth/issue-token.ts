import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { signServiceToken } from '../keys/access-token.ts'
import { claimsOfGrants } from '../sessions/token-claims.ts'
import type { Service } from './find-service-account.ts'
import type { Form } from './form.ts'
import { GRANT_TYPE } from './metadata.ts'
import { OAuthError } from './oauth-error.ts'

/** RFC 6749, section 5.1. */
export type TokenResponse = {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  scope?: string
}

/** How far `lastUsedAt` may lag behind, and how often tokens are recorded. */
const TOUCH_INTERVAL_SECONDS = 60

/**
 * Issues an access token (RFC 9068) to a service account for one of its audiences: the one in `resource` (RFC 8707), or
 * else its first. Without `scope`, the token has every permission of the account's roles at each request; with it, only
 * these.
 * @throws OAuthError invalid_request, unsupported_grant_type, invalid_target, invalid_scope
 */
export async function issueServiceToken(
  app: App,
  service: Service,
  form: Form,
  request: RequestInfo,
): Promise<TokenResponse> {
  const grantType = form.get('grant_type')
  if (grantType === undefined) throw new OAuthError('invalid_request', 'The grant_type is missing.')
  if (grantType !== GRANT_TYPE)
    throw new OAuthError('unsupported_grant_type', `The grant_type must be ${GRANT_TYPE}.`)
  const audience = audienceOf(service, form)
  const scope = scopeOf(service, form)
  const { accessTtlSeconds } = app.config.tokens
  const permissions = scope ?? service.permissions
  const token = signServiceToken(
    app,
    { id: service.id, generation: service.generation, audience, scope: scope?.join(' ') },
    accessTtlSeconds,
    // Roles would say more than a scope allows.
    claimsOfGrants(app, { id: service.id, permissions, roles: scope ? undefined : service.roles }),
  )
  await touch(app, service, audience, request)
  const granted = permissions.filter(isScopeToken).join(' ')
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: accessTtlSeconds,
    ...(granted && { scope: granted }),
  }
}

/** Registered audiences only: a client that chose its own could have tokens signed for any service. */
function audienceOf({ audiences }: Service, form: Form): string {
  const [wanted = audiences[0], ...others] = form.all('resource')
  if (others.length > 0) throw new OAuthError('invalid_target', 'A token is for one resource.')
  if (wanted === undefined || !audiences.includes(wanted))
    throw new OAuthError('invalid_target', 'The resource is not registered for this service account.')
  return wanted
}

/** Undefined if the client did not ask for a scope. */
function scopeOf({ permissions }: Service, form: Form): string[] | undefined {
  const wanted = form.get('scope')?.split(' ')
  if (!wanted) return undefined
  if (!wanted.every(name => permissions.includes(name)))
    throw new OAuthError('invalid_scope', 'The service account does not have every permission in the scope.')
  return [...new Set(wanted)].sort()
}

/** RFC 6749, section 3.3. */
export function isScopeToken(name: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(name)
}

const markUsed = statement(
  'service-account-touch',
  `WITH used AS (
     UPDATE service_accounts SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3) RETURNING id
   ) ${insertSql('audit_events', auditColumns, 4, 'used')}`,
)

/** At most once a minute, also if several replicas issue tokens at the same time. */
async function touch(
  app: App,
  { id, lastUsedAt }: Service,
  audience: string,
  request: RequestInfo,
): Promise<void> {
  const now = app.clock.now()
  const before = addSeconds(now, -TOUCH_INTERVAL_SECONDS)
  if (lastUsedAt && lastUsedAt > before) return
  const detail = { audience }
  const event = toEvent(request, {
    action: 'service.token_issued',
    at: now,
    actorId: id,
    subjectId: id,
    detail,
  })
  await markUsed(app.pool, [id, now, before, toRows(auditColumns, event)])
}
