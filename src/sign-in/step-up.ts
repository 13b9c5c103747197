import { z } from 'zod'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../context.ts'
import { proveEnrollmentCode } from '../credentials/enrollment-code.ts'
import { countFactor, forgiveFactor } from '../credentials/factor-attempts.ts'
import { openCeremony } from '../credentials/passkey/ceremony-ticket.ts'
import { proveOwnPassword } from '../credentials/password/prove.ts'
import type { Claim } from '../credentials/proof.ts'
import { type ProofInput, proofField } from '../credentials/proof-input.ts'
import { toRows } from '../database/insert.ts'
import { readDevice } from '../devices/device.ts'
import { AuthError, unauthenticated } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { noticeParameters } from '../mail/notices.ts'
import { requireFullSignIn } from '../sessions/assurance.ts'
import { findSession, type SessionWithAccount } from '../sessions/find-session.ts'
import { endReasonOf } from '../sessions/live.ts'
import { requireSession } from '../sessions/require-session.ts'
import { rotation } from '../sessions/rotate.ts'
import { addProofs } from '../sessions/strength.ts'
import { advanceSession } from './advance-session.ts'
import { type ProvedFactor, proveFactor } from './prove-factor.ts'
import { spentTicket, ticketInvalid } from './sign-in-ticket.ts'

const PROOFS_MAX = 3

const schema = z.object({
  proofs: z
    .array(proofField)
    .min(1, 'Send at least one proof.')
    .max(PROOFS_MAX, `Send at most ${PROOFS_MAX} proofs.`)
    .refine(proofs => new Set(proofs.map(kindOf)).size === proofs.length, 'Send each kind of proof once.'),
})

/**
 * Proves the identity of the viewer again, in the same session. Together with what the session proved in the last 10
 * minutes, the proofs must amount to a full sign-in: a passkey, or a password and a second factor; from an account
 * without a second factor, the password or an emailed code.
 *
 * Advances the session to a new generation, from which the proofs count: an access token from before does not benefit
 * from them. Only a client that has the current tokens can do so. Of a step-up and a refresh at the same time, one wins;
 * a step-up that loses uses up none of its proofs.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, CODE_INVALID, PASSKEY_INVALID, TICKET_INVALID, RATE_LIMITED,
 *   SERVICE_UNAVAILABLE; STEP_UP_REQUIRED if the proofs are too few; CONFLICT if the session was refreshed after the
 *   access token was issued; UNAUTHENTICATED if the session has ended since the request was authenticated
 */
export async function stepUp(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<SessionWithAccount> {
  const { proofs: given } = checkInput(schema, input)
  const { account } = viewer
  const { session, accessToken } = requireSession(viewer)
  if (accessToken.generation !== session.generation) throw refreshedMeanwhile()
  const proved = await prove(app, account, session, given, request)
  const proofs = proved.map(({ proof }) => proof)
  const now = app.clock.now()
  const generation = session.generation + 1
  const next = {
    ...session,
    ...rotation(session, now, request),
    ...addProofs(session, proofs),
    authenticatedAt: now,
    generation,
    proofGeneration: generation,
  }
  await requireFullSignIn(app, account.id, next)
  const entry = (event: Pick<AuditEntry, 'action' | 'detail'>) =>
    toEvent(request, { ...event, at: now, actorId: account.id, subjectId: account.id })
  const methods = proofs.map(({ method }) => method)
  const events = [
    entry({ action: 'session.stepped_up', detail: { sessionId: session.id, methods } }),
    ...proved.flatMap(({ events = [] }) => events.map(entry)),
  ]
  const notice = proved.find(({ notice }) => notice)?.notice
  const advanced = await advanceSession(app.pool, session, next, {
    credentialVersion: account.credentialVersion,
    factorProved: proved.some(isFactor),
    events: toRows(auditColumns, ...events),
    claims: proved.flatMap(({ proof, claims = [] }) => [...claims, ...(proof.claim ? [proof.claim] : [])]),
    notice: notice && noticeParameters(app, account, notice),
  })
  if (!advanced) throw await reasonOf(app, session.id)
  if (proved.some(isFactor)) await forgiveFactor(app, account.id, readDevice(app, request.deviceCookie))
  return { account, session: next }
}

/** Verifies the proofs, the first ones first: only someone who passes them learns whether a code is correct. */
async function prove(
  app: App,
  account: Account,
  session: Session,
  given: readonly ProofInput[],
  request: RequestInfo,
): Promise<ProvedFactor[]> {
  const proved: ProvedFactor[] = []
  const password = given.find(proof => proof.password != null)?.password
  if (password) {
    await proveOwnPassword(app, account, password, request)
    proved.push({ proof: { accountId: account.id, method: 'PASSWORD', at: app.clock.now() } })
  }
  const emailCode = given.find(proof => proof.emailCode != null)?.emailCode
  if (emailCode)
    proved.push({ proof: await proveEnrollmentCode(app, session.id, account, emailCode, request) })
  const factors = given.filter(proof => proof.password == null && proof.emailCode == null)
  if (factors.length > 0) await countFactor(app, account.id, readDevice(app, request.deviceCookie), request)
  for (const factor of factors) {
    proved.push(
      await proveFactor(app, account, factor, request, ticket => openOwnCeremony(app, session, ticket)),
    )
  }
  return proved
}

/** @throws AuthError TICKET_INVALID for the ceremony of another session */
function openOwnCeremony(app: App, session: Session, ticket: string): readonly Claim[] {
  const ceremony = openCeremony(app, 'passkeyProof', ticket)
  const { userId, sessionId } = ceremony.payload
  if (userId !== session.userId || sessionId !== session.id)
    throw ticketInvalid('the ceremony of another session')
  return [spentTicket(ceremony)]
}

function isFactor({ proof }: ProvedFactor): boolean {
  return proof.method !== 'PASSWORD' && proof.method !== 'EMAIL'
}

function kindOf(proof: ProofInput): string | undefined {
  return Object.entries(proof).find(([, value]) => value != null)?.[0]
}

/** Why the session could not be advanced. */
async function reasonOf(app: App, sessionId: string): Promise<AuthError> {
  const found = await findSession(app, sessionId)
  const ended = found ? endReasonOf(found, app.clock.now()) : 'REVOKED'
  return ended ? unauthenticated(ended) : refreshedMeanwhile()
}

function refreshedMeanwhile(): AuthError {
  return new AuthError('CONFLICT', { message: 'Your tokens were refreshed in the meantime. Try again.' })
}
