import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { canonicalAddress } from '../network/address.ts'
import type { CookieReader } from './cookies.ts'
import { handoverOf } from './handover.ts'

/** Longer than the header of any browser. */
const USER_AGENT_MAX_LENGTH = 512

/** What a request to this server carries. */
export function requestInfo(request: FastifyRequest, readCookies: CookieReader): RequestInfo {
  const ipAddress = handoverOf(request.raw)?.ipAddress ?? request.ip
  const info = infoOf(
    { id: request.id, ipAddress, headers: request.headers, cookies: request.cookies },
    readCookies,
  )
  if (request.headers.dpop !== undefined)
    presentProof(info, request, ({ config }) => config.publicUrl + request.routeOptions.url)
  return info
}

export type RequestFacts = {
  id: string
  ipAddress: string | undefined
  headers: IncomingHttpHeaders
  cookies: Record<string, string | undefined>
}

/** Adds the proof of a request to a route of the program's own, which is at the origin of PUBLIC_URL. */
export function presentProofTo(info: RequestInfo, request: IncomingMessage & { originalUrl?: string }): void {
  if (request.headers.dpop === undefined) return
  presentProof(info, request, ({ config }) => {
    const { origin } = new URL(config.publicUrl)
    const [path] = (request.originalUrl ?? request.url ?? '').split('?')
    return `${origin}${path}`
  })
}

function presentProof(
  info: RequestInfo,
  { headers, method = '' }: { headers: IncomingHttpHeaders; method?: string | undefined },
  url: (app: App) => string,
): void {
  info.presentedProof = { proof: String(headers.dpop), method, url }
}

/** What any request carries. */
export function infoOf(request: RequestFacts, readCookies: CookieReader): RequestInfo {
  const { refreshCookie, deviceCookie } = readCookies(request)
  const { authorization } = request.headers
  const token = bearerToken(authorization)
  const boundToken = token === '' ? dpopToken(authorization) : undefined
  return {
    requestId: request.id,
    ipAddress: request.ipAddress === undefined ? undefined : canonicalAddress(request.ipAddress),
    userAgent: request.headers['user-agent']?.slice(0, USER_AGENT_MAX_LENGTH),
    bearerToken: boundToken ?? token,
    isDpopScheme: boundToken !== undefined,
    refreshCookie,
    deviceCookie,
  }
}

/** RFC 6750, section 2.1. The scheme is case-insensitive (RFC 9110, section 11.1). */
function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '')
}

/** RFC 9449, section 7.1. */
function dpopToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^DPoP +(\S+) *$/i.exec(header)?.[1]
}
