import type { Identity } from './verifier.ts'

const identities = new WeakMap<object, Identity>()

/** Remembers who sent a request. Express passes on one request object; Fastify's wraps it. */
export function rememberIdentity(request: object, identity: Identity): void {
  identities.set(request, identity)
}

/**
 * Who sent a request that passed a guard.
 * @throws Error if no guard has run for it
 */
export function identityOf(request: object): Identity {
  const identity = identities.get(request)
  if (!identity) throw new Error('identityOf: no guard has run for this request.')
  return identity
}
