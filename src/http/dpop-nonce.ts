import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { newNonce } from '../dpop/nonce.ts'

export const DPOP_NONCE_HEADER = 'dpop-nonce'

/** Sets the nonce for the client's next proof, in every response to a request with a proof (RFC 9449, section 8.2). */
export function offerNonce(
  app: App,
  { presentedProof }: RequestInfo,
  setHeader: (name: string, value: string) => unknown,
): void {
  if (presentedProof && app.config.dpop !== 'off') setHeader(DPOP_NONCE_HEADER, newNonce(app))
}
