import type { App } from '../app.ts'
import type { SessionVia, Viewer } from '../context.ts'
import { AuthError } from '../errors.ts'
import type { Session } from '../generated/prisma/client.ts'
import { requireSession } from './require-session.ts'
import { hasFactor, meansOf, type Requirement, stepUpRequired } from './step-up-required.ts'
import {
  type AuthStrength,
  assuranceOf,
  isAtLeast,
  type ProvedSession,
  provedAt,
  strengthOfAcr,
} from './strength.ts'

const RECENT_SECONDS = 600

/**
 * Refuses an administrator who acts as another user.
 * @throws AuthError FORBIDDEN
 */
export function refuseImpersonator({ impersonator }: Viewer): void {
  if (impersonator) {
    throw new AuthError('FORBIDDEN', { message: 'You can’t do this while you act as another user.' })
  }
}

/**
 * Protects a sensitive operation from the finder of a session that was left open, and from a thief of the session.
 * Requires what a full sign-in to the account proves: a passkey, or a password and a second factor, within 10 minutes;
 * from an account that only has a password, the password. Returns the viewer's session.
 * @throws AuthError REAUTHENTICATION_REQUIRED from an account with a password alone; STEP_UP_REQUIRED from all others;
 *   FORBIDDEN for an API key
 */
export async function requireRecentSignIn(
  app: App,
  viewer: Viewer,
  maxAgeSeconds = RECENT_SECONDS,
): Promise<Session> {
  refuseImpersonator(viewer)
  const { session, accessToken } = requireSession(viewer)
  // An access token from before the latest step-up proves nothing recent, so that a thief who holds one does not benefit
  // from what the owner has proved since.
  const proving = accessToken.generation < session.proofGeneration ? undefined : session
  await requireFullSignIn(app, viewer.account.id, proving, maxAgeSeconds)
  return session
}

/**
 * The same from accounts with a second factor. The others pass, so that clients from before second factors go on working.
 * @throws AuthError STEP_UP_REQUIRED
 */
export async function requireSecondFactorIfAny(app: App, viewer: Viewer): Promise<void> {
  refuseImpersonator(viewer)
  const requirement: Requirement = { strength: 'MULTI', maxAgeSeconds: RECENT_SECONDS }
  const { session, accessToken } = requireSession(viewer)
  if (accessToken.generation >= session.proofGeneration && isProved(app, session, requirement)) return
  const means = await meansOf(app, viewer.account.id)
  if (hasFactor(means)) throw stepUpRequired(requirement, means)
}

/**
 * The same for the proofs of a session.
 * @throws AuthError REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED
 */
export async function requireFullSignIn(
  app: App,
  userId: string,
  session: ProvedSession | undefined,
  maxAgeSeconds = RECENT_SECONDS,
): Promise<void> {
  if (isProved(app, session, { strength: 'MULTI', maxAgeSeconds })) return
  const means = await meansOf(app, userId)
  const strength = hasFactor(means) ? 'MULTI' : 'SINGLE'
  if (strength === 'SINGLE' && isProved(app, session, { strength, maxAgeSeconds })) return
  const passwordAlone = means.firsts.length === 1 && means.firsts[0] === 'PASSWORD'
  if (strength === 'SINGLE' && passwordAlone) throw new AuthError('REAUTHENTICATION_REQUIRED')
  throw stepUpRequired({ strength, maxAgeSeconds }, means)
}

/**
 * Requires a session of this strength, proved no longer than `maxAgeSeconds` ago.
 * @throws AuthError STEP_UP_REQUIRED, also if the account has nothing to prove it with
 */
export async function requireAssurance(app: App, viewer: Viewer, requirement: Requirement): Promise<void> {
  refuseImpersonator(viewer)
  const { session, accessToken } = requireSession(viewer)
  if (accessToken.generation >= session.proofGeneration && isProved(app, session, requirement)) return
  throw stepUpRequired(requirement, await meansOf(app, viewer.account.id))
}

/** Whether the session has proved this much, and recently. */
function isProved(
  app: App,
  session: ProvedSession | undefined,
  { strength, maxAgeSeconds = Number.POSITIVE_INFINITY }: Requirement,
): boolean {
  const at = session && provedAt(session, strength)
  return at != null && app.clock.now().getTime() - at.getTime() <= maxAgeSeconds * 1000
}

/**
 * Whether one of the viewer's roles requires a second factor that the session has not proved, or an administrator has
 * reset the factors of the account. Trusted devices do not matter here. Costs nothing unless a factor is required.
 */
export function isTooWeak(app: App, { account, via, impersonator }: Viewer): boolean {
  // The administrator proved their own second factor before: see admin/users/impersonate-user.ts.
  if (impersonator) return false
  // The strength of an API key is checked when the request is authenticated.
  return via.kind === 'session' && demandsFactor(app, account) && !isAtLeast(strengthOf(via), 'MULTI')
}

/**
 * The account without what its roles grant, if the session is too weak for them or not bound to a key although that is
 * required; for what other services receive.
 */
export function grantedIn(app: App, session: Session, account: Viewer['account']): Viewer['account'] {
  const weak = demandsFactor(app, account) && !isAtLeast(assuranceOf(session).strength, 'MULTI')
  if (!weak && !lacksKey(app, session, account)) return account
  return { ...account, roles: [], permissions: [] }
}

/**
 * Whether the account holds permissions, and the session is not bound to a key although REQUIRE_BOUND_SESSIONS demands it.
 * Costs nothing unless it does.
 */
export function isUnbound(app: App, { account, via, impersonator }: Viewer): boolean {
  if (!app.config.requireBoundSessions || via.kind !== 'session') return false
  // An administrator who acts as the user does so with permissions. The session is bound to the key of their own.
  return lacksKey(app, via.session, account) || (!!impersonator && lacksKey(app, via.session, impersonator))
}

function lacksKey({ config }: App, { keyThumbprint }: Session, { permissions }: Viewer['account']): boolean {
  return config.requireBoundSessions && keyThumbprint === null && permissions.length > 0
}

/** The extension of an operation that a session may call although it `isUnbound`. */
export const FOR_UNBOUND_SESSIONS = { forUnboundSessions: true } as const

/** The refusal of a session that `isUnbound`. */
export function unboundSession(): AuthError {
  return new AuthError('FORBIDDEN', {
    message:
      'Your permissions require a session that is bound to this device. Sign in again with an up-to-date app.',
    extensions: { reason: 'SESSION_NOT_BOUND' },
  })
}

/** Whether one of the roles of the account requires a second factor, or its owner has to add one. */
export function demandsFactor(
  app: App,
  { enrollmentRequired, secondFactorRequiredFrom: from }: Viewer['account'],
): boolean {
  return enrollmentRequired || (from !== null && from <= app.clock.now())
}

/**
 * Requires that the viewer's session is strong enough for another account too, to act as it.
 * @throws AuthError STEP_UP_REQUIRED
 */
export async function requireStrengthOf(app: App, viewer: Viewer, account: Viewer['account']): Promise<void> {
  if (demandsFactor(app, account) && !hasProvedFactor(viewer))
    throw stepUpRequired({ strength: 'MULTI' }, await meansOf(app, viewer.account.id))
}

/** Whether the viewer's session has proved a second factor. @throws AuthError FORBIDDEN for an API key */
export function hasProvedFactor(viewer: Viewer): boolean {
  return isAtLeast(strengthOf(requireSession(viewer)), 'MULTI')
}

/** The extension of an operation that a session may call although it `isTooWeak`. */
export const FOR_WEAK_SESSIONS = { forWeakSessions: true } as const

/** Refuses a session that `isTooWeak`. */
export async function refuseWeakSession(app: App, { account }: Viewer): Promise<never> {
  throw stepUpRequired({ strength: 'MULTI' }, await meansOf(app, account.id))
}

/** The strength of the session; for an access token from before the latest step-up, that of the token. */
function strengthOf({ session, accessToken: { generation, acr } }: SessionVia): AuthStrength {
  return generation < session.proofGeneration ? strengthOfAcr(acr) : assuranceOf(session).strength
}
