import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import type { ResponseEffects } from '../context.ts'

/** `__Host-` binds the cookie to this very host over https; browsers refuse the prefix over plain http. */
export function refreshCookieName({ publicUrl }: Config): string {
  return isSecure(publicUrl) ? '__Host-authograph_refresh' : 'authograph_refresh'
}

function isSecure(publicUrl: string): boolean {
  return publicUrl.startsWith('https:')
}

export function cookieEffects(config: Config, reply: FastifyReply): ResponseEffects {
  const name = refreshCookieName(config)
  const attributes = {
    path: '/',
    httpOnly: true,
    secure: isSecure(config.publicUrl),
    sameSite: 'strict',
  } as const
  return {
    setRefreshCookie: (token, expires) => {
      void reply.setCookie(name, token, expires ? { ...attributes, expires } : attributes)
    },
    clearRefreshCookie: () => {
      void reply.clearCookie(name, attributes)
    },
  }
}

/**
 * The refresh token from the cookie, where the request shows that a page of ours or of an allowed origin
 * made it: a browser sends the cookie along with requests of any page of the site.
 */
export function refreshCookieOf(config: Config, request: FastifyRequest): string | undefined {
  return request.headers.cookie !== undefined && comesFromUs(config, request)
    ? request.cookies[refreshCookieName(config)]
    : undefined
}

function comesFromUs({ publicUrl, corsOrigins }: Config, { headers }: FastifyRequest): boolean {
  const { origin } = headers
  if (origin === undefined) return headers['sec-fetch-site'] === 'same-origin'
  return (
    origin === new URL(publicUrl).origin ||
    corsOrigins.includes(origin) ||
    // A browser lets no page choose Origin or Host, and sends the cookie only to the host that set it.
    origin === `http://${headers.host}` ||
    origin === `https://${headers.host}`
  )
}
