import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { newNonce } from '../../src/dpop/nonce.ts'
import type { RefreshMutation } from '../generated/graphql.ts'
import { PASSWORD } from './actors.ts'
import { encode, type Json } from './forge.ts'
import { Refresh } from './operations.ts'
import type { ErrorFacts, Reply, Service } from './service.ts'

export type Key = { privateKey: KeyObject; jwk: Json; thumbprint: string }

/** A key as a client creates it. */
export function newKey(): Key {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const jwk = { kty, crv, x, y }
  // RFC 7638, section 3.
  const canonical = `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`
  return { privateKey, jwk, thumbprint: createHash('sha256').update(canonical).digest('base64url') }
}

/** A proof of any shape, signed with the key (RFC 9449, section 4.2). A member that is undefined is left out. */
export function signProof({ privateKey }: Key, header: unknown, claims: unknown): string {
  const input = `${encode(header)}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** A good proof for a request to the service, but for the changes. */
export function proofOf(
  service: Service,
  key: Key,
  { header = {}, claims = {} }: { header?: Json; claims?: Json } = {},
): string {
  return signProof(
    key,
    { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk, ...header },
    {
      jti: randomUUID(),
      htm: 'POST',
      htu: `${service.app.config.publicUrl}/graphql`,
      iat: Math.floor(Date.now() / 1000),
      ...claims,
    },
  )
}

/** The nonce that the service offers at this moment. */
export async function nonceOf(service: Service): Promise<string> {
  const { headers } = await service.send('{ __typename }', {}, { headers: { dpop: 'no proof' } })
  return headers.get('dpop-nonce') ?? ''
}

/** A proof with a fresh nonce, without the request that would bring one. */
export function freshProof(service: Service, key: Key, claims: Json = {}): string {
  return proofOf(service, key, { claims: { nonce: newNonce(service.app), ...claims } })
}

/** Login, with what a bound session shows of itself. */
export const BoundLogin = `mutation ($input: LoginInput!) {
  login(input: $input) {
    __typename
    ... on AuthPayload { accessToken tokenType refreshToken session { id boundToKey } }
    ... on SecondFactorRequired { ticket methods }
  }
}`

type Payload = {
  accessToken: string
  tokenType: string
  refreshToken: string | null
  session: { id: string; boundToKey: boolean }
}

export type Bound = Payload & { key: Key; sessionId: string; refreshToken: string }

/** A further session of an account, bound to a key. */
export async function signInBound(service: Service, email: string, key = newKey()): Promise<Bound> {
  const input = { identifier: email, password: PASSWORD }
  const headers = { dpop: freshProof(service, key) }
  const { data, errors } = await service.send(BoundLogin, { input }, { headers })
  const payload = (data as { login?: Payload } | undefined)?.login
  if (!payload?.refreshToken) throw new Error(`not signed in: ${JSON.stringify(errors)}`)
  const { refreshToken, session } = payload
  return { ...payload, key, sessionId: session.id, refreshToken }
}

/** Refreshes with a fresh proof of the key, or with exactly this proof, or without one. */
export async function refreshBound(
  service: Service,
  refreshToken: string,
  proof: Key | string | undefined,
): Promise<Reply<RefreshMutation>> {
  const dpop = typeof proof === 'object' ? freshProof(service, proof) : proof
  return service.send(Refresh, { input: { refreshToken } }, { headers: dpop === undefined ? {} : { dpop } })
}

/** The code and the reason of the only error; undefined if there is none. */
export function refusal({ errors }: { errors: ErrorFacts[] }): string | undefined {
  const [error] = errors
  return error && [error.extensions.code, error.extensions.reason].filter(Boolean).join(' ')
}
