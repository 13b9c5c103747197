import type { IncomingHttpHeaders } from 'node:http'
import type { SerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import type { RequestInfo, ResponseEffects } from '../context.ts'
import { FLOW_TTL_SECONDS } from '../sign-in/provider-flow.ts'

/**
 * `__Host-` binds a cookie to this host over https. Browsers reject the prefix over plain http. Cookies are for the whole
 * host, so COOKIE_PREFIX tells those of several instances apart.
 */
function cookieName({ publicUrl, cookiePrefix }: Config, name: string): string {
  return `${isSecure(publicUrl) ? '__Host-' : ''}${cookiePrefix}_${name}`
}

function refreshCookieName(config: Config): string {
  return cookieName(config, 'refresh')
}

/** The cookie that identifies a browser a person has signed in from. It outlives the session. */
function deviceCookieName(config: Config): string {
  return cookieName(config, 'device')
}

/**
 * The cookie that binds a sign-in with a provider to the browser that began it. Each sign-in has its own, so that several
 * tabs can sign in at the same time, with providers that lead back in different ways.
 */
function flowCookieName(config: Config, label: string): string {
  return cookieName(config, `flow_${label}`)
}

/** The longest time that browsers keep a cookie (RFC 6265bis, section 5.5). */
const DEVICE_COOKIE_SECONDS = 400 * 86_400

function isSecure(publicUrl: string): boolean {
  return publicUrl.startsWith('https:')
}

type WithHeaders = { readonly headers: IncomingHttpHeaders }

/** Sets a cookie of a response, in place of an earlier one with the same name. */
export type SetCookie = (name: string, value: string, options: SerializeOptions) => unknown

/** Returns what sets and clears the cookies of a response. `onSessionCookie` is called when it sets the refresh cookie. */
export function cookieEffects(
  config: Config,
  onSessionCookie: (request: WithHeaders) => void,
): (request: WithHeaders, setCookie: SetCookie) => ResponseEffects {
  const name = refreshCookieName(config)
  const deviceName = deviceCookieName(config)
  const attributes = attributesOf(config)
  return (request, setCookie) => ({
    setRefreshCookie: (token, expires) => {
      setCookie(name, token, expires ? { ...attributes, expires } : attributes)
      onSessionCookie(request)
    },
    clearRefreshCookie: () => {
      setCookie(name, '', { ...attributes, expires: new Date(0), maxAge: 0 })
    },
    setDeviceCookie: token => {
      setCookie(deviceName, token, { ...attributes, maxAge: DEVICE_COOKIE_SECONDS })
    },
    setFlowCookie: ({ label, secret, crossSite }) => {
      // The provider leads back from another site, so Strict would keep the cookie from the callback. Lax is sent with
      // a navigation, but not with a form that another site posts.
      const sameSite = crossSite && attributes.secure ? 'none' : 'lax'
      setCookie(flowCookieName(config, label), secret, {
        ...attributes,
        sameSite,
        maxAge: FLOW_TTL_SECONDS,
      })
    },
  })
}

function attributesOf({ publicUrl }: Config) {
  return { path: '/', httpOnly: true, secure: isSecure(publicUrl), sameSite: 'strict' } as const
}

/** Reads the cookie of the sign-in with this label, and deletes it: it is of use once. */
export function takeFlowCookie(
  config: Config,
  label: string,
  request: FastifyRequest,
  reply: FastifyReply,
): string | undefined {
  const name = flowCookieName(config, label)
  const { [name]: secret } = request.cookies
  if (secret !== undefined) void reply.clearCookie(name, attributesOf(config))
  return secret
}

type Cookies = Pick<RequestInfo, 'refreshCookie' | 'deviceCookie'>

/** Reads the tokens of a request from its cookies. `cookies` is read only if the request may use them. */
export type CookieReader = (request: WithHeaders & { cookies: Record<string, string | undefined> }) => Cookies

const NO_COOKIES: Cookies = { refreshCookie: undefined, deviceCookie: undefined }

/**
 * Returns what reads the tokens from the cookies, if a page of this server or of an allowed origin sent the request.
 * Browsers attach cookies to requests from any page of the site, so the cookies alone prove nothing.
 */
export function cookieReader(config: Config): CookieReader {
  const name = refreshCookieName(config)
  const deviceName = deviceCookieName(config)
  const ownOrigin = new URL(config.publicUrl).origin
  return request => {
    if (request.headers.cookie === undefined) return NO_COOKIES
    if (!comesFromAllowedOrigin(ownOrigin, config.corsOrigins, request)) return NO_COOKIES
    const { [name]: refreshCookie, [deviceName]: deviceCookie } = request.cookies
    return { refreshCookie, deviceCookie }
  }
}

function comesFromAllowedOrigin(
  ownOrigin: string,
  corsOrigins: readonly string[],
  { headers }: WithHeaders,
): boolean {
  const { origin } = headers
  if (origin === undefined) return headers['sec-fetch-site'] === 'same-origin'
  return (
    origin === ownOrigin ||
    corsOrigins.includes(origin) ||
    // Pages can't choose Origin or Host, and browsers send the cookie only to the host that set it.
    origin === `http://${headers.host}` ||
    origin === `https://${headers.host}`
  )
}
