import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import type { Proof } from '../credentials/proof.ts'
import { newId } from '../database/new-id.ts'
import type { Session } from '../generated/prisma/client.ts'
import { deviceNameOf } from '../network/device-name.ts'
import { saltOf } from './refresh-token.ts'
import { proofTimes } from './strength.ts'

export type NewSession = {
  /** What was proved. */
  proofs: readonly Pick<Proof, 'method' | 'at'>[]
  remember: boolean
  deviceName: string | null | undefined
  /** Its ID, if it has been announced already. */
  id?: string | undefined
}

/**
 * A new session, to be stored once the credentials are verified. With `remember: false`, it ends within
 * `sessions.shortTtlSeconds` even if it is refreshed.
 */
export function newSession(
  app: App,
  userId: string,
  request: RequestInfo,
  { proofs, remember, deviceName, id = newId() }: NewSession,
): Session {
  const { idleTtlSeconds, absoluteTtlSeconds, shortTtlSeconds } = app.config.sessions
  const now = app.clock.now()
  const idle = remember ? idleTtlSeconds : Math.min(shortTtlSeconds, idleTtlSeconds)
  // Listed one by one: an object that grows behind a spread costs several times as much.
  const proved = proofTimes(proofs)
  const absolute = remember ? absoluteTtlSeconds : Math.min(shortTtlSeconds, absoluteTtlSeconds)
  return {
    id,
    userId,
    generation: 0,
    salt: saltOf(app, id),
    createdAt: now,
    lastUsedAt: now,
    authenticatedAt: now,
    passwordAt: proved.passwordAt,
    emailAt: proved.emailAt,
    passkeyAt: proved.passkeyAt,
    keyAt: proved.keyAt,
    totpAt: proved.totpAt,
    recoveryAt: proved.recoveryAt,
    providerAt: proved.providerAt,
    proofGeneration: 0,
    rotatedAt: null,
    generationSeenAt: null,
    burnedFrom: null,
    burnedTo: null,
    expiresAt: addSeconds(now, Math.min(idle, absolute)),
    absoluteExpiresAt: addSeconds(now, absolute),
    idleTtlSeconds: idle,
    remembered: remember,
    revokedAt: null,
    ipAddress: request.ipAddress ?? null,
    userAgent: request.userAgent ?? null,
    deviceName: deviceName ?? deviceNameOf(request.userAgent) ?? null,
    actorSessionId: null,
    keyThumbprint: request.provenKey?.thumbprint ?? null,
  }
}
