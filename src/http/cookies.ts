import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import type { RequestInfo, ResponseEffects } from '../context.ts'

/** `__Host-` binds the cookie to this host over https. Browsers reject the prefix over plain http. */
export function refreshCookieName({ publicUrl }: Config): string {
  return isSecure(publicUrl) ? '__Host-authograph_refresh' : 'authograph_refresh'
}

/** The cookie that identifies a browser a person has signed in from. It outlives the session. */
export function deviceCookieName({ publicUrl }: Config): string {
  return isSecure(publicUrl) ? '__Host-authograph_device' : 'authograph_device'
}

/** The longest time that browsers keep a cookie (RFC 6265bis, section 5.5). */
const DEVICE_COOKIE_SECONDS = 400 * 86_400

function isSecure(publicUrl: string): boolean {
  return publicUrl.startsWith('https:')
}

/** Sets and clears the cookies of a response. `onSessionCookie` is called when it sets the refresh cookie. */
export function cookieEffects(
  config: Config,
  reply: FastifyReply,
  onSessionCookie: () => void,
): ResponseEffects {
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
      onSessionCookie()
    },
    clearRefreshCookie: () => {
      void reply.clearCookie(name, attributes)
    },
    setDeviceCookie: token => {
      void reply.setCookie(deviceCookieName(config), token, { ...attributes, maxAge: DEVICE_COOKIE_SECONDS })
    },
  }
}

/**
 * The tokens from the cookies, if a page of this server or of an allowed origin sent the request. Browsers attach
 * cookies to requests from any page of the site, so the cookies alone prove nothing.
 */
export function cookiesOf(
  config: Config,
  request: FastifyRequest,
): Pick<RequestInfo, 'refreshCookie' | 'deviceCookie'> {
  if (request.headers.cookie === undefined || !comesFromAllowedOrigin(config, request)) {
    return { refreshCookie: undefined, deviceCookie: undefined }
  }
  const { cookies } = request
  return {
    refreshCookie: cookies[refreshCookieName(config)],
    deviceCookie: cookies[deviceCookieName(config)],
  }
}

function comesFromAllowedOrigin({ publicUrl, corsOrigins }: Config, { headers }: FastifyRequest): boolean {
  const { origin } = headers
  if (origin === undefined) return headers['sec-fetch-site'] === 'same-origin'
  return (
    origin === new URL(publicUrl).origin ||
    corsOrigins.includes(origin) ||
    // Pages can't choose Origin or Host, and browsers send the cookie only to the host that set it.
    origin === `http://${headers.host}` ||
    origin === `https://${headers.host}`
  )
}
