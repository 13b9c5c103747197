import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'

/** A public key of a client, and its thumbprint (RFC 7638), which identifies it. */
export type ClientKey = { key: KeyObject; thumbprint: string }

/** 32 bytes in base64url. The last character has 2 unused bits, which are zero in the only encoding that counts. */
const coordinate = z.string().regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/)

/** An elliptic-curve key on P-256, as browsers export it. The members of private and symmetric keys are refused. */
export const publicJwk = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
  ...Object.fromEntries(
    ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'].map(name => [name, z.undefined().optional()]),
  ),
})

type PublicJwk = { x: string; y: string }

/** Reads a key that matches `publicJwk`. @throws Error if the point is not on the curve */
export function readPublicKey({ x, y }: PublicJwk): ClientKey {
  // The required members in lexicographic order, and no other (RFC 7638, section 3.2).
  const jwk = { crv: 'P-256', kty: 'EC', x, y }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const thumbprint = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url')
  return { key, thumbprint }
}
