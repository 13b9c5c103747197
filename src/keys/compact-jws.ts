import { type KeyObject, sign } from 'node:crypto'
import { ALGORITHM } from './signing-keys.ts'

/** RFC 7518, section 3.4: the signature is both numbers one after another, and not in DER. */
const ENCODING = 'ieee-p1363'

export type JwsKey = { kid: string; privateKey: KeyObject }

/** What is the same for all tokens of one type and key. */
const prepared = new WeakMap<KeyObject, Map<string, Prepared>>()
type Prepared = { header: string; key: { key: KeyObject; dsaEncoding: typeof ENCODING } }

/**
 * A compact JWS (RFC 7515, section 7.1) with ES256. `type` is its header `typ`. `jsonwebtoken` would write the same, but
 * checks its options, the header and the payload anew for each token, and converts the signature from DER: as much work
 * as the signature itself (decision 026).
 */
export function signCompactJws(payload: object, type: string, key: JwsKey): string {
  const { header, key: signingKey } = prepare(type, key)
  const signed = `${header}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`
  return `${signed}.${sign('sha256', Buffer.from(signed, 'latin1'), signingKey).toString('base64url')}`
}

function prepare(type: string, { kid, privateKey }: JwsKey): Prepared {
  const ofKey = prepared.get(privateKey) ?? new Map<string, Prepared>()
  const name = `${type} ${kid}`
  const known = ofKey.get(name)
  if (known) return known
  const header = Buffer.from(JSON.stringify({ alg: ALGORITHM, typ: type, kid })).toString('base64url')
  const fresh: Prepared = { header, key: { key: privateKey, dsaEncoding: ENCODING } }
  prepared.set(privateKey, ofKey.set(name, fresh))
  return fresh
}
