import type { Config } from '../config.ts'

/** Apollo Sandbox's page: what it loads, and from where. */
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

/** Answers of an API are data: a browser shall run, frame and guess nothing of them. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'"

/**
 * What every answer carries (OWASP ASVS 5.0, section 3.4). Fixed at start: working them out for each
 * request, as a plugin would, took a tenth of the time that a small query takes.
 */
export function securityHeaders({ publicUrl }: Config): Record<string, string> {
  return {
    'content-security-policy': API_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-site',
    // Answers have tokens and personal data in them; what may be kept says so itself (RFC 9111, section 5.2.2.5).
    'cache-control': 'no-store',
    ...(publicUrl.startsWith('https:') && {
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    }),
  }
}

/** What Sandbox's page carries instead. */
export const sandboxHeaders = { 'content-security-policy': SANDBOX_POLICY }

/**
 * What the pages carry instead: their own scripts alone, and none inline. Their component library sets
 * styles inline.
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
