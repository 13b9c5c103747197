import { isApiKey } from '../api-keys/key.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { CLOCK_LEEWAY_SECONDS, signedClaims, validServiceClaims } from '../keys/access-token.ts'
import type { Service } from './find-service-account.ts'
import type { Form } from './form.ts'
import { OAuthError } from './oauth-error.ts'
import { presentedToken } from './presented-token.ts'

/**
 * Revokes a token that the service account received (RFC 7009). A token that is invalid, or no longer valid, is no error.
 * @throws OAuthError invalid_request; unauthorized_client for a token that another client received, or a person;
 *   unsupported_token_type for an API key
 */
export async function revokeToken(
  app: App,
  caller: Service,
  form: Form,
  request: RequestInfo,
): Promise<void> {
  const token = presentedToken(form)
  if (isApiKey(token)) throw new OAuthError('unsupported_token_type', 'API keys are deleted by their owners.')
  const claims = signedClaims(app, token)
  if (!claims) return
  if (claims.sub !== caller.id)
    throw new OAuthError('unauthorized_client', 'The token was issued to another client.')
  const own = validServiceClaims(app, claims)
  if (!own) return
  // As long as this server would accept it.
  const expiresAt = addSeconds(new Date(own.exp * 1000), CLOCK_LEEWAY_SECONDS)
  const at = app.clock.now()
  const parties = { actorId: caller.id, subjectId: caller.id }
  const event = toEvent(request, { action: 'service.token_revoked', at, ...parties })
  await insertRevocation(app.pool, [own.jti, expiresAt, toRows(auditColumns, event)])
}

const insertRevocation = statement(
  'revoke-token',
  `WITH revoked AS (
     INSERT INTO revoked_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING jti
   ) ${insertSql('audit_events', auditColumns, 3, 'revoked')}`,
)
