import type { Form } from './form.ts'
import { OAuthError } from './oauth-error.ts'

/** What a client says to prove who it is. Nothing is verified yet. */
export type ClientCredentials =
  | { kind: 'secret'; clientId: string; secret: string }
  | { kind: 'assertion'; clientId: string; assertion: string }

/** RFC 7523, section 2.2. */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The methods of RFC 6749 (section 2.3.1) and of OpenID Connect Core 1.0 (section 9). */
export const CLIENT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const

/**
 * Reads the client's credentials from the Authorization header or from the form.
 * @throws OAuthError invalid_client if there are none; invalid_request if there is more than one kind (RFC 6749, section
 *   2.3) or the form names another client
 */
export function readClientCredentials(authorization: string | undefined, form: Form): ClientCredentials {
  const secret = form.get('client_secret')
  const assertion = form.get('client_assertion')
  const kinds = [authorization, secret, assertion].filter(given => given !== undefined)
  if (kinds.length > 1)
    throw new OAuthError('invalid_request', 'Use one method of client authentication in a request.')
  const credentials = fromHeader(authorization) ?? fromAssertion(assertion, form) ?? fromForm(secret, form)
  const named = form.get('client_id')
  if (named !== undefined && named !== credentials.clientId)
    throw new OAuthError('invalid_request', 'The client_id is not the client that authenticates.')
  return credentials
}

/** RFC 6749, section 2.3.1: both parts are form-encoded before they are joined and encoded for Basic (RFC 7617). */
function fromHeader(authorization: string | undefined): ClientCredentials | undefined {
  if (authorization === undefined) return undefined
  const encoded = /^Basic +([a-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1]
  const text = Buffer.from(encoded ?? '', 'base64').toString()
  const colon = text.indexOf(':')
  const clientId = formDecoded(text.slice(0, Math.max(colon, 0)))
  const secret = formDecoded(text.slice(colon + 1))
  if (colon < 0 || !clientId || !secret) throw clientRefused()
  return { kind: 'secret', clientId, secret }
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** The client of an assertion is its subject (RFC 7523, section 3). The form need not name it. */
function fromAssertion(assertion: string | undefined, form: Form): ClientCredentials | undefined {
  const type = form.get('client_assertion_type')
  if (assertion === undefined) {
    if (type === undefined) return undefined
    throw new OAuthError('invalid_request', 'The client_assertion is missing.')
  }
  if (type !== ASSERTION_TYPE)
    throw new OAuthError('invalid_request', `The client_assertion_type must be ${ASSERTION_TYPE}.`)
  try {
    const { sub } = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as {
      sub?: unknown
    }
    if (typeof sub === 'string') return { kind: 'assertion', clientId: sub, assertion }
  } catch {
    // Not a JWT.
  }
  throw clientRefused()
}

function fromForm(secret: string | undefined, form: Form): ClientCredentials {
  const clientId = form.get('client_id')
  if (clientId === undefined || secret === undefined) throw clientRefused()
  return { kind: 'secret', clientId, secret }
}

/** The same for every reason, so that no one learns which clients exist. */
export function clientRefused(): OAuthError {
  return new OAuthError('invalid_client', 'Client authentication failed.')
}
