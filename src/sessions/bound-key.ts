import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { proofRefused } from '../dpop/prove-key.ts'
import type { Session } from '../generated/prisma/client.ts'
import { queueNotice } from '../mail/notices.ts'
import type { SessionWithAccount } from './find-session.ts'

/**
 * A session that starts with the proof of a key is bound to it (RFC 9449, section 5): its refresh tokens count only with a
 * proof of the same key, whatever the transport. The key never leaves its client, so a copy of the tokens is useless.
 *
 * A copy of a whole request would be of use while the nonce of its proof is valid. Therefore each proof counts once: the
 * session keeps the IDs of the latest proofs, and the guarded statements that rotate it match only without them. This holds
 * over replicas, and stores nothing that would have to be deleted later.
 */

/** As many proofs as count within a minute. Only the holder of the key can displace one. */
const KEPT_PROOFS = 16
const ID_BYTES = 16
const KEPT_BYTES = (KEPT_PROOFS - 1) * ID_BYTES

/** SQL of the latest proofs of the session `s`, the given one included. */
export const withProof = (proof: string) =>
  `coalesce(substr(s.used_proofs, greatest(octet_length(s.used_proofs) - ${KEPT_BYTES - 1}, 1)), '') || ${proof}`

/** SQL that counts a proof for the session `s`, in an UPDATE with `isUnusedProof`. Null counts none. */
export const COUNT_PROOF = (proof: string) => `used_proofs = ${withProof(proof)}`

/** SQL for whether the proof has not counted for the session `s` before. */
export const isUnusedProof = (proof: string) => `coalesce(position(${proof} IN s.used_proofs), 0) = 0`

/** The proof that a statement has to count; null if the session is not bound to a key. */
export function countedProof({ keyThumbprint }: Session, { provenKey }: RequestInfo): Buffer | null {
  return keyThumbprint === null ? null : (provenKey?.proofId ?? null)
}

/**
 * Requires the key of a session that is bound to one. Its refresh token without the key is a copy: a theft, on record and
 * told to the owner once. The session continues, because its key is still safe.
 * @throws AuthError REFRESH_TOKEN_INVALID with the reason DPOP_INVALID
 */
export async function requireBoundKey(
  app: App,
  found: SessionWithAccount,
  request: RequestInfo,
): Promise<void> {
  const { keyThumbprint } = found.session
  if (keyThumbprint === null || app.config.dpop === 'off') return
  if (request.provenKey?.thumbprint === keyThumbprint) return
  await recordCopy(app, found, request)
  throw proofRefused('REFRESH_TOKEN_INVALID', 'DPOP_INVALID', 'copy')
}

const countAgain = statement(
  'session-count-proof',
  `UPDATE sessions s SET ${COUNT_PROOF('$3::bytea')}
   WHERE s.id = $1 AND s.generation = $2 AND ${isUnusedProof('$3::bytea')} RETURNING s.id`,
)

/**
 * Counts the proof of a request that receives the current tokens again. False if another request has changed the session.
 * @throws AuthError as `refuseUsedProof`
 */
export async function countProofOfRace(app: App, session: Session, request: RequestInfo): Promise<boolean> {
  const proof = countedProof(session, request)
  if (!proof) return true
  const counted = await countAgain(app.pool, [session.id, session.generation, proof])
  if (counted.length > 0) return true
  await refuseUsedProof(app, session, request)
  return false
}

const findUsed = statement<[used: boolean]>(
  'session-used-proof',
  `SELECT NOT ${isUnusedProof('$2::bytea')} FROM sessions s WHERE s.id = $1`,
)

/**
 * Refuses a proof that has counted before. A client whose request was delivered twice tries again with a new one; a thief
 * who copied the request cannot.
 * @throws AuthError REFRESH_TOKEN_INVALID with the reason DPOP_NONCE
 */
export async function refuseUsedProof(app: App, session: Session, request: RequestInfo): Promise<void> {
  const proof = countedProof(session, request)
  if (!proof) return
  const [row] = await findUsed(app.pool, [session.id, proof])
  if (row?.[0]) throw proofRefused('REFRESH_TOKEN_INVALID', 'DPOP_NONCE', 'used proof')
}

/** How often copies of one session's refresh token are recorded. */
const RECORDED_SECONDS = 3600

/** Records the event at most once an hour for each session, and notifies the owner once. */
async function recordCopy(
  app: App,
  { session, account }: SessionWithAccount,
  request: RequestInfo,
): Promise<void> {
  const at = app.clock.now()
  await app.db.$transaction(async tx => {
    const isFirst = await tx.$executeRaw`
      UPDATE sessions SET copy_refused_at = ${at} WHERE id = ${session.id}::uuid AND copy_refused_at IS NULL`
    const isDue =
      isFirst ||
      (await tx.$executeRaw`
        UPDATE sessions SET copy_refused_at = ${at}
        WHERE id = ${session.id}::uuid AND copy_refused_at <= ${addSeconds(at, -RECORDED_SECONDS)}`)
    if (!isDue) return
    const detail = { sessionId: session.id }
    await record(tx, request, { action: 'session.copy_refused', at, subjectId: account.id, detail })
    if (!isFirst) return
    const notice = securityNotice(app, account, 'copy-refused', emailOriginOf(app, request))
    await queueNotice(app, tx, account, notice)
  })
}
