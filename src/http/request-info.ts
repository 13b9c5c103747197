import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { RequestInfo } from '../context.ts'
import { canonicalAddress } from '../network/address.ts'
import type { CookieReader } from './cookies.ts'
import { handoverOf } from './handover.ts'

/** Longer than the header of any browser. */
const USER_AGENT_MAX_LENGTH = 512

/** What a request to this server carries. */
export function requestInfo(request: FastifyRequest, readCookies: CookieReader): RequestInfo {
  const ipAddress = handoverOf(request.raw)?.ipAddress ?? request.ip
  return infoOf(
    { id: request.id, ipAddress, headers: request.headers, cookies: request.cookies },
    readCookies,
  )
}

export type RequestFacts = {
  id: string
  ipAddress: string | undefined
  headers: IncomingHttpHeaders
  cookies: Record<string, string | undefined>
}

/** What any request carries. */
export function infoOf(request: RequestFacts, readCookies: CookieReader): RequestInfo {
  const { refreshCookie, deviceCookie } = readCookies(request)
  return {
    requestId: request.id,
    ipAddress: request.ipAddress === undefined ? undefined : canonicalAddress(request.ipAddress),
    userAgent: request.headers['user-agent']?.slice(0, USER_AGENT_MAX_LENGTH),
    bearerToken: bearerToken(request.headers.authorization),
    refreshCookie,
    deviceCookie,
  }
}

/** RFC 6750, section 2.1. The scheme is case-insensitive (RFC 9110, section 11.1). */
function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '')
}
