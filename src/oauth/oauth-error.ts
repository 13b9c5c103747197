/** The codes of RFC 6749 (section 5.2), RFC 7009 (section 2.2.1) and RFC 8707 (section 2), with their statuses. */
const statuses = {
  invalid_request: 400,
  // With a challenge: see http/oauth.ts.
  invalid_client: 401,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_token_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
} as const

export type OAuthErrorCode = keyof typeof statuses

/**
 * A refusal of an OAuth endpoint. `description` is for developers, in the characters that RFC 6749 allows: ASCII without
 * quotation marks and backslashes, so nothing that the client sent.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number

  constructor(code: OAuthErrorCode, description: string) {
    super(description)
    this.code = code
    this.status = statuses[code]
  }
}
