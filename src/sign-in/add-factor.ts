import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { Context, RequestInfo } from '../context.ts'
import type { Claim, Proof } from '../credentials/proof.ts'
import {
  hasRecoveryCodes,
  newRecoveryCodeSet,
  type RecoveryCodeSet,
} from '../credentials/recovery-code-set.ts'
import { toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import { noticeParameters } from '../mail/notices.ts'
import type { NewMail } from '../mail/outbox.ts'
import type { FactorKind } from '../mail/texts.ts'
import { issueTokens } from '../sessions/issue.ts'
import { parseRefreshToken } from '../sessions/refresh-token.ts'
import { requireSession } from '../sessions/require-session.ts'
import { rotation } from '../sessions/rotate.ts'
import type { AuthPayload } from '../sessions/sessions.types.ts'
import { addProofs } from '../sessions/strength.ts'
import { deliverTokens, TokenTransport } from '../sessions/token-transport.ts'
import { advanceSession, sessionClaim } from './advance-session.ts'
import { deliverStarted } from './deliver-sign-in.ts'
import { type Enrollee, type PendingEnrollment, resumeEnrollment } from './enrollment.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { ticketInvalid } from './sign-in-ticket.ts'

/** A factor that the caller has just proved. */
export type NewFactor = {
  method: FactorKind
  /** Stores the factor. */
  insert: Claim
  /** Whether the account demands a second factor from now on, so that the sessions without one end. */
  demands: boolean
  /** Added by the browser without its owner: it proves nothing yet, and no one would see recovery codes. */
  unattended?: boolean
}

export type AddedFactor = {
  auth: AuthPayload
  /** With the account's first factor; null if it has been given codes before. */
  recoveryCodes: string[] | null
}

/**
 * Adds a factor to the account of an enrollment, with recovery codes if it has none, and signs in with it: one statement
 * stores the factor and the codes, and starts or strengthens the session. It also ends every ticket, and notifies the
 * owner.
 * @throws AuthError TICKET_INVALID, UNAUTHENTICATED, SERVICE_UNAVAILABLE; CONFLICT if the session was refreshed after the
 *   access token was issued
 */
export async function addFactor(
  context: Context,
  pending: PendingEnrollment,
  factor: NewFactor,
): Promise<AddedFactor> {
  const { app } = context
  const enrollee = await resumeEnrollment(context, pending)
  const codes =
    factor.unattended || (await hasRecoveryCodes(app, pending.user))
      ? undefined
      : await newRecoveryCodeSet(app, pending.user)
  const adding = { proofs: proofsOf(app, pending, factor), factor, codes }
  const auth =
    enrollee.kind === 'signIn'
      ? await completeSignIn(context, enrollee, adding)
      : await strengthenSession(context, enrollee, adding)
  return { auth, recoveryCodes: codes?.shown ?? null }
}

type Adding = { proofs: Proof[]; factor: NewFactor; codes: RecoveryCodeSet | undefined }

/** The emailed code, if it was proved on the way, and the factor. */
function proofsOf(app: App, { user, emailAtMs }: PendingEnrollment, factor: NewFactor): Proof[] {
  const { method, unattended } = factor
  if (unattended) return []
  const added: Proof = { accountId: user, method, at: app.clock.now() }
  return emailAtMs === null ? [added] : [{ accountId: user, method: 'EMAIL', at: new Date(emailAtMs) }, added]
}

async function completeSignIn(
  context: Context,
  { account, pending }: Extract<Enrollee, { kind: 'signIn' }>,
  adding: Adding,
): Promise<AuthPayload> {
  const { app, request } = context
  const outcome = await finishSignIn(
    app,
    {
      ...pending,
      account,
      proofs: [...pending.proofs, ...adding.proofs],
      claims: [pending.claim, ...claimsOf(adding)],
      change: 'factor-added',
      events: [eventOf(adding)],
      notice: noticeOf(app, account, adding, request),
    },
    request,
  )
  if (outcome?.step !== 'started') throw ticketInvalid('the account has changed')
  return deliverStarted(context, outcome)
}

async function strengthenSession(
  context: Context,
  { viewer }: Extract<Enrollee, { kind: 'session' }>,
  adding: Adding,
): Promise<AuthPayload> {
  const { app, request } = context
  const { account } = viewer
  const { session, accessToken } = requireSession(viewer)
  if (accessToken.generation !== session.generation) throw refreshedMeanwhile()
  const now = app.clock.now()
  const generation = session.generation + 1
  const next = {
    ...session,
    ...rotation(session, now, request),
    ...addProofs(session, adding.proofs),
    authenticatedAt: adding.factor.unattended ? session.authenticatedAt : now,
    generation,
    proofGeneration: generation,
  }
  const row = (event: Pick<AuditEntry, 'action' | 'detail'>) =>
    toRows(auditColumns, toEvent(request, { ...event, at: now, actorId: account.id, subjectId: account.id }))
  const ended = { action: 'session.revoked', detail: { because: 'second factor added' } } as const
  await advanceSession(app.pool, session, next, {
    credentialVersion: account.credentialVersion,
    factorProved: !adding.factor.unattended,
    events: row(eventOf(adding)),
    claims: [sessionClaim(refreshedMeanwhile), ...claimsOf(adding)],
    notice: noticeParameters(app, account, noticeOf(app, account, adding, request)),
    added: { weakerEnded: adding.factor.demands ? row(ended) : undefined },
  }).then(advanced => {
    if (!advanced) throw ticketInvalid('the account has changed')
  })
  const changed = { ...account, credentialVersion: account.credentialVersion + 1, enrollmentRequired: false }
  const tokens = await issueTokens(app, { session: next, account: changed })
  return deliverTokens(context, tokens, transportOf(request, session.id))
}

/** The new refresh token travels like the session's current one. */
function transportOf({ refreshCookie }: RequestInfo, sessionId: string): TokenTransport {
  const inCookie = refreshCookie !== undefined && parseRefreshToken(refreshCookie)?.sessionId === sessionId
  return inCookie ? TokenTransport.COOKIE : TokenTransport.BODY
}

function claimsOf({ factor, codes }: Adding): Claim[] {
  return codes ? [factor.insert, codes.claim] : [factor.insert]
}

function eventOf({ factor: { method }, codes }: Adding): Pick<AuditEntry, 'action' | 'detail'> {
  return { action: 'factor.added', detail: { method, recoveryCodes: codes !== undefined } }
}

function noticeOf(
  app: App,
  account: Enrollee['account'],
  { factor: { method } }: Adding,
  request: RequestInfo,
): NewMail {
  return securityNotice(app, account, 'factor-added', { ...emailOriginOf(app, request), factor: method })
}

function refreshedMeanwhile(): AuthError {
  return new AuthError('CONFLICT', { message: 'Your tokens were refreshed in the meantime. Try again.' })
}
