import { OAuthError } from './oauth-error.ts'

/** The parameters of a request. */
export type Form = {
  /** The value of a parameter; undefined if it is missing or empty (RFC 6749, section 3.2). */
  get(name: string): string | undefined
  /** The values of a parameter that can be repeated. */
  all(name: string): readonly string[]
}

/** RFC 8707, section 2. */
const REPEATABLE = new Set(['resource'])

/**
 * Reads the body of a request.
 * @throws OAuthError invalid_request if it is not a form, or has a parameter twice (RFC 6749, section 3.2)
 */
export function readForm(body: unknown): Form {
  if (!(body instanceof URLSearchParams))
    throw new OAuthError('invalid_request', 'Send the parameters as application/x-www-form-urlencoded.')
  const values = new Map<string, string[]>()
  for (const [name, value] of body) {
    if (value === '') continue
    const known = values.get(name)
    if (known && !REPEATABLE.has(name))
      throw new OAuthError('invalid_request', 'A parameter must not be repeated.')
    values.set(name, [...(known ?? []), value])
  }
  return { get: name => values.get(name)?.[0], all: name => values.get(name) ?? [] }
}
