import { base64url } from './base64url.ts'
import type { SessionKey } from './session-key.ts'

export type ProofParts = {
  /** Absolute. Its query and fragment are left out (RFC 9449, section 4.2). */
  readonly url: string
  readonly method: string
  readonly nonce?: string | undefined
  /** The hash of the access token that the request carries. */
  readonly ath?: string | undefined
  /** The time, for servers that compare it with theirs. Authograph's own goes by the nonce. */
  readonly nowMs?: number | undefined
}

/** A proof that the sender of a request holds the key (RFC 9449, section 4.2). */
export async function proofOf(
  key: SessionKey,
  { url, method: htm, nonce, ath, nowMs }: ProofParts,
): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.publicKey }
  const claims = {
    // Unique, not secret.
    jti: `${Math.random()}${Math.random()}`,
    htm,
    htu: url.replace(/[?#].*/, ''),
    iat: Math.floor((nowMs ?? Date.now()) / 1000),
    nonce,
    ath,
  }
  const text = [header, claims].map(part => base64url(JSON.stringify(part))).join('.')
  return `${text}.${await key.sign(text)}`
}
