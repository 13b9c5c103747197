import type { App } from '../app.ts'
import type { Context, Viewer } from '../context.ts'
import { proveEnrollmentCode } from '../credentials/enrollment-code.ts'
import type { Proof } from '../credentials/proof.ts'
import { AuthError } from '../errors.ts'
import type { Session, User } from '../generated/prisma/client.ts'
import { refuseImpersonator, requireRecentSignIn } from '../sessions/assurance.ts'
import { requireSession } from '../sessions/require-session.ts'
import { hasFactor, meansOf } from '../sessions/step-up-required.ts'
import { ACR } from '../sessions/strength.ts'
import { type OpenedSignIn, openSignIn, requireUnchanged, ticketInvalid } from './sign-in-ticket.ts'
import { claimAlone } from './start-session.ts'

const RECENT_MS = 600_000

/** Who adds a factor: someone in the middle of a sign-in that demands one, or a signed-in user. */
export type Enrollee =
  | { kind: 'signIn'; account: User; pending: OpenedSignIn }
  | { kind: 'session'; account: User; viewer: Viewer; session: Session }

/** The part of an enrollment that the client carries, sealed, until it proves the new factor. */
export type PendingEnrollment = {
  user: string
  version: number
  /** The session that adds the factor. */
  session: string | null
  /** The ticket of the sign-in that adds the factor. */
  signIn: string | null
  /** When the emailed code was proved in the sign-in. */
  emailAtMs: number | null
}

export type EnrollmentInput = { ticket?: string | null | undefined; emailCode?: string | null | undefined }

/**
 * Who calls: with the ticket of `SecondFactorSetupRequired`, or else signed in.
 * @throws AuthError TICKET_INVALID, UNAUTHENTICATED; FORBIDDEN for an API key and for an administrator who acts as the user
 */
export async function enrolleeOf(
  { app, viewer }: Pick<Context, 'app' | 'viewer'>,
  ticket: string | null | undefined,
): Promise<Enrollee> {
  if (ticket == null) {
    const signedIn = await viewer()
    refuseImpersonator(signedIn)
    const { session } = requireSession(signedIn)
    return { kind: 'session', account: signedIn.account, viewer: signedIn, session }
  }
  const pending = openSignIn(app, 'setup', ticket)
  return { kind: 'signIn', account: await requireUnchanged(app, pending), pending }
}

/** What an emailed code is sent for: see credentials/enrollment-code.ts. */
export function codeSubjectOf(enrollee: Enrollee): string {
  return enrollee.kind === 'signIn' ? enrollee.pending.id : enrollee.session.id
}

/**
 * Begins to add a factor, if the caller may. The first factor requires a recent first proof, usually the password, and
 * a code that was emailed to the address: otherwise a thief of the password could add a factor and lock the owner out.
 * The code is not required in the first 10 minutes of the session that registered the account, nor by a server that
 * sends no email. A further factor requires what a full sign-in takes.
 * @throws AuthError TICKET_INVALID, UNAUTHENTICATED, CODE_INVALID, RATE_LIMITED; REAUTHENTICATION_REQUIRED and
 *   STEP_UP_REQUIRED, which names EMAIL among what it accepts if the emailed code is missing
 */
export async function beginEnrollment(
  context: Context,
  { ticket, emailCode }: EnrollmentInput,
): Promise<{ account: User; pending: PendingEnrollment }> {
  const enrollee = await enrolleeOf(context, ticket)
  const { account } = enrollee
  const emailed = emailCode == null ? undefined : await useEmailCode(context, enrollee, emailCode)
  const emailAt =
    enrollee.kind === 'signIn'
      ? await requireEmailed(context.app, enrollee, emailed)
      : await requireMayAdd(context.app, enrollee.viewer, emailed)
  return {
    account,
    pending: {
      user: account.id,
      version: account.credentialVersion,
      session: enrollee.kind === 'session' ? enrollee.session.id : null,
      signIn: ticket ?? null,
      emailAtMs: emailAt?.getTime() ?? null,
    },
  }
}

/**
 * Resumes an enrollment that `beginEnrollment` began, by the same sign-in or in the same session.
 * @throws AuthError TICKET_INVALID, UNAUTHENTICATED
 */
export async function resumeEnrollment(context: Context, pending: PendingEnrollment): Promise<Enrollee> {
  const enrollee = await enrolleeOf(context, pending.signIn)
  const { account } = enrollee
  if (account.id !== pending.user || account.credentialVersion !== pending.version)
    throw ticketInvalid('the account has changed')
  if (enrollee.kind === 'session' && enrollee.session.id !== pending.session)
    throw ticketInvalid('another session began to add the factor')
  return enrollee
}

async function useEmailCode({ app, request }: Context, enrollee: Enrollee, code: string): Promise<Proof> {
  const { account } = enrollee
  const proof = await proveEnrollmentCode(app, codeSubjectOf(enrollee), account, code, request)
  if (proof.claim) await claimAlone(app.pool, account, [proof.claim])
  return proof
}

/** The set-up ticket comes after a first proof. The emailed code must have been proved too. */
async function requireEmailed(
  app: App,
  { pending }: Extract<Enrollee, { kind: 'signIn' }>,
  emailed: Proof | undefined,
): Promise<Date | undefined> {
  const at = emailed?.at ?? pending.proofs.find(({ method }) => method === 'EMAIL')?.at
  if (!at && app.mailer) throw emailCodeRequired()
  return at
}

async function requireMayAdd(
  app: App,
  viewer: Viewer,
  emailed: Proof | undefined,
): Promise<Date | undefined> {
  const { account } = viewer
  const { session, accessToken } = requireSession(viewer)
  await requireRecentSignIn(app, viewer)
  if (hasFactor(await meansOf(app, account.id)) || !app.mailer) return undefined
  if (emailed) return emailed.at
  const now = app.clock.now().getTime()
  const proved = accessToken.generation >= session.proofGeneration ? session.emailAt : null
  if (proved && now - proved.getTime() <= RECENT_MS) return undefined
  const registeredJustNow =
    !account.enrollmentRequired &&
    session.createdAt.getTime() === account.createdAt.getTime() &&
    now - session.createdAt.getTime() <= RECENT_MS
  if (!registeredJustNow) throw emailCodeRequired()
  return undefined
}

/** The first proof is recent, so only the emailed code remains. */
function emailCodeRequired(): AuthError {
  return new AuthError('STEP_UP_REQUIRED', {
    message: 'Enter the code that we email to you first.',
    extensions: {
      acr: ACR.SINGLE,
      maxAgeSeconds: RECENT_MS / 1000,
      accepts: [['EMAIL']],
    },
  })
}
