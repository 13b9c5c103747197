import type { Form } from './form.ts'
import { OAuthError } from './oauth-error.ts'

/**
 * The token that a request is about. `token_type_hint` is not needed: the kinds of tokens differ (RFC 7662, section 2.1;
 * RFC 7009, section 2.1).
 * @throws OAuthError invalid_request
 */
export function presentedToken(form: Form): string {
  const token = form.get('token')
  if (token === undefined) throw new OAuthError('invalid_request', 'The token is missing.')
  return token
}
