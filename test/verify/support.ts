import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { AuthError, createVerifier, type VerifierOptions } from '../../src/verify/index.ts'
import type { Service } from '../support/service.ts'

export const ISSUER = 'https://auth.example.com'
export const AUDIENCE = 'shop'

/** A signing key of the issuer. `issue` signs a token that is valid for a day. */
export async function newSigner(now: () => number, kid: string = randomUUID()) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }
  const issue = (claims: object = {}) =>
    new SignJWT({ sid: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject('ada')
      .setIssuedAt(now() / 1000)
      .setExpirationTime(now() / 1000 + 86_400)
      .sign(privateKey)
  return { jwk, issue }
}
export type Signer = Awaited<ReturnType<typeof newSigner>>

/** A verifier of the service's tokens, by its keys and its clock. */
export function verifierOf({ app, url, clock }: Service, options: Partial<VerifierOptions> = {}) {
  const { issuer, audience } = app.config.tokens
  const jwksUrl = `${url}/.well-known/jwks.json`
  return createVerifier({ issuer, audience, jwksUrl, now: () => clock.now().getTime(), ...options })
}

/** VALID, or the reason of the refusal, or its code if it has no reason. */
export function verdict(verified: Promise<unknown>): Promise<unknown> {
  return verified.then(
    () => 'VALID',
    (error: unknown) => {
      if (!(error instanceof AuthError)) throw error
      return error.extensions.reason ?? error.code
    },
  )
}
