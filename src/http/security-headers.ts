import type { Config } from '../config.ts'

/** The origins that Apollo Sandbox loads from. */
const SANDBOX_CDN =
  'https://apollo-server-landing-page.cdn.apollographql.com https://embeddable-sandbox.cdn.apollographql.com'
const SANDBOX_POLICY = [
  "default-src 'self'",
  `script-src 'self' 'unsafe-inline' ${SANDBOX_CDN}`,
  `style-src 'self' 'unsafe-inline' ${SANDBOX_CDN} https://fonts.googleapis.com`,
  "font-src 'self' https://fonts.gstatic.com",
  `img-src 'self' data: ${SANDBOX_CDN}`,
  `manifest-src 'self' ${SANDBOX_CDN}`,
  `connect-src 'self' ${SANDBOX_CDN}`,
  'frame-src https://sandbox.embed.apollographql.com',
  "frame-ancestors 'none'",
].join('; ')

/** API responses are data, which browsers must not run or frame. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'"

/**
 * The headers of every response (OWASP ASVS 5.0, section 3.4). Computed once at start: a plugin that computed them for
 * each request took a tenth of the time of a small query.
 */
export function securityHeaders({ publicUrl }: Config): Record<string, string> {
  return {
    'content-security-policy': API_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-site',
    // Responses contain tokens and personal data. Cacheable ones override this (RFC 9111, section 5.2.2.5).
    'cache-control': 'no-store',
    ...(publicUrl.startsWith('https:') && {
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    }),
  }
}

/** The headers of Sandbox's page, which override the ones above. */
export const sandboxHeaders = { 'content-security-policy': SANDBOX_POLICY }

/**
 * The headers of the pages, which override the ones above. Only the server's own script files may run. Inline styles are
 * allowed, because the component library sets them.
 */
export function pageHeaders({ web }: Config): Record<string, string> {
  const logo = web.logoUrl ? ` ${new URL(web.logoUrl).origin}` : ''
  return {
    'content-security-policy': [
      "default-src 'self'",
      "script-src 'self'",
      "style-src 'self' 'unsafe-inline'",
      `img-src 'self' data:${logo}`,
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  }
}
