import { base64url, calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose'
import { unauthenticated } from './errors.ts'

export type DpopOptions = {
  /**
   * The public address of this server, such as https://api.example.com, with the path that a proxy removes. It is what
   * proofs are for, whatever the Host header says.
   */
  url: string
  /** Refuses bearer tokens too. Default: false, because sessions without a key have them. */
  required?: boolean
}

/** What a request with `Authorization: DPoP` shows beside its token. */
export type PresentedProof = {
  /** The header `DPoP`. */
  readonly proof: string | undefined
  readonly method: string
  /** The path, or an address of which only the path counts. */
  readonly url: string
}

const MAX_LENGTH = 4096
const MAX_ID_LENGTH = 128
/** About 20 MB. With more in one window of time, the oldest could be replayed. */
const MAX_SEEN = 100_000

/**
 * Returns what requires a proof of the key that a token is bound to (RFC 9449, section 4.3): for this method and address,
 * this token and this time, and each proof once in this process.
 */
export function createProofCheck({ url }: DpopOptions, toleranceSeconds: number, now: () => number) {
  if (!URL.canParse(url)) throw new TypeError('createVerifier: dpop.url must be a URL.')
  const base = url.replace(/\/+$/, '')
  /** Until when each proof counts, in seconds. */
  const seen = new Map<string, number>()

  function isFirst(id: string, untilSeconds: number): boolean {
    if (seen.has(id)) return false
    for (const [oldest, until] of seen) {
      if (until > now() / 1000 && seen.size < MAX_SEEN) break
      seen.delete(oldest)
    }
    seen.set(id, untilSeconds)
    return true
  }

  return async (token: string, thumbprint: string, presented: PresentedProof | undefined): Promise<void> => {
    const text = presented?.proof
    if (!text || text.length > MAX_LENGTH || !URL.canParse(presented.url, base))
      throw unauthenticated('DPOP_INVALID')
    const options = { algorithms: ['ES256'], typ: 'dpop+jwt', currentDate: new Date(now()) }
    const refuse = (cause: unknown) => {
      throw unauthenticated('DPOP_INVALID', cause)
    }
    const { payload, protectedHeader } = await jwtVerify(text, EmbeddedJWK, options).catch(refuse)
    const { jti, iat, htm, htu, ath } = payload
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
    const { pathname } = new URL(presented.url, base)
    const isOfRequest =
      (await calculateJwkThumbprint(protectedHeader.jwk as JWK)) === thumbprint &&
      ath === base64url.encode(new Uint8Array(hash)) &&
      htm === presented.method &&
      addressOf(htu) === addressOf(base + pathname) &&
      Math.abs(Number(iat) - now() / 1000) <= toleranceSeconds
    const hasId = typeof jti === 'string' && jti !== '' && jti.length <= MAX_ID_LENGTH
    if (!isOfRequest || !hasId || !isFirst(`${thumbprint} ${jti}`, Number(iat) + toleranceSeconds))
      throw unauthenticated('DPOP_INVALID')
  }
}

/** Normalized, without query and fragment. */
function addressOf(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
