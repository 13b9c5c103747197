import type { GraphQLFormattedError } from 'graphql'

/**
 * The `WWW-Authenticate` header of a response with STEP_UP_REQUIRED (RFC 9470, section 3), for clients and gateways that
 * handle the challenges of any service in one way. The status stays that of a GraphQL response, which RFC 9110, section
 * 11.6.1 allows: the other fields of the operation may have succeeded.
 */
export function stepUpChallenge(errors: readonly GraphQLFormattedError[]): string | undefined {
  const { extensions } = errors.find(error => error.extensions?.code === 'STEP_UP_REQUIRED') ?? {}
  if (!extensions) return undefined
  const maxAge = typeof extensions.maxAgeSeconds === 'number' ? `, max_age="${extensions.maxAgeSeconds}"` : ''
  return `Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required", acr_values="${String(extensions.acr)}"${maxAge}`
}
