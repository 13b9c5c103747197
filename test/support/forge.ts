import { sign } from 'node:crypto'
import { signingKeyAt } from '../../src/keys/signing-keys.ts'
import type { Service } from './service.ts'

export type Json = Record<string, unknown>

/** A part of a JWT; text is taken as it is. */
export function encode(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

export function decode(part: string | undefined): Json {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
}

export function headerOf(token: string): Json {
  return decode(token.split('.')[0])
}

export function claimsOf(token: string): Json {
  return decode(token.split('.')[1])
}

/**
 * The token with other members in its header and claims, signed by the service's own key: it differs from
 * a good one in nothing else. A member that is undefined is left out.
 */
export function forge(
  service: Service,
  token: string,
  { header = {}, claims = {} }: { header?: Json; claims?: Json },
) {
  return signed(service, { ...headerOf(token), ...header }, { ...claimsOf(token), ...claims })
}

/** A header and claims of any shape, signed by the service's own key (RFC 7518, section 3.4). */
export function signed({ app }: Service, header: unknown, claims: unknown): string {
  const input = `${encode(header)}.${encode(claims)}`
  const { privateKey } = signingKeyAt(app.keys.signing, app.clock.now())
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}
