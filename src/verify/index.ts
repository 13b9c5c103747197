/** Verifies the access tokens of an Authograph server in other servers. Imports nothing of the server or the client. */
export {
  authorize,
  identify,
  type RequestLike,
  requirePermission,
  requireStepUp,
  type StepUpOptions,
} from './authorize.ts'
export { AuthError, type ErrorCode, type UnauthenticatedReason } from './errors.ts'
export type { LivenessOptions } from './liveness.ts'
export type { DpopOptions, PresentedProof } from './proof.ts'
export { createVerifier, type Identity, type Verifier, type VerifierOptions } from './verifier.ts'
