import { identitiesOf } from '../../accounts/identities.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { addSeconds } from '../../clock.ts'
import type { Context, RequestInfo, Viewer } from '../../context.ts'
import type { ProviderProfile } from '../../credentials/provider/provider.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError, unauthenticated } from '../../errors.ts'
import type { Identity, Session } from '../../generated/prisma/client.ts'
import { isLive } from '../../sessions/live.ts'
import { requireSession } from '../../sessions/require-session.ts'
import { flowEnded, isRepeatable, type RedeemedFlow } from '../../sign-in/provider-flow.ts'
import type { StartedFlow } from '../../sign-in/start-provider.ts'
import { redeemViewerFlow, startViewerFlow, useUpFlow } from './viewer-flow.ts'

/** How far the provider's clock may be behind this server's. */
const LEEWAY_SECONDS = 60

/**
 * Begins to prove again who uses the viewer's session, at a provider. The provider asks the person again, if it can.
 * @throws AuthError as `startProvider`
 */
export async function startProviderReauthentication(context: Context, input: unknown): Promise<StartedFlow> {
  const viewer = await context.viewer()
  return startViewerFlow(context, input, viewer, { purpose: 'reauthentication', prompt: 'login' })
}

/**
 * Confirms with an identity of the account that its owner uses the viewer's session, which then counts as a recent
 * sign-in. If the provider says when it last asked the person, that must be after this began.
 * @throws AuthError BAD_USER_INPUT, TOKEN_INVALID, RATE_LIMITED; INVALID_CREDENTIALS for a person at the provider whom the
 *   account does not know; PROVIDER_FAILED if the provider did not ask again; UNAUTHENTICATED if the session has ended
 *   since the request was authenticated
 */
export async function completeProviderReauthentication(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Session> {
  const { account } = viewer
  const current = requireSession(viewer).session
  const flow = await redeemViewerFlow(app, 'reauthentication', input, viewer, request)
  if (!flow.profile) return confirmedBefore(app, flow, current)
  const identity = await requireOwn(app, account.id, flow.profile, request)
  requireFresh(flow, flow.profile)
  const now = app.clock.now()
  return app.db.$transaction(async tx => {
    const session = await confirmSession(tx, current, identity, now)
    await useUpFlow(app, tx, flow)
    const event = { action: 'session.reauthenticated', at: now, actorId: account.id } as const
    await record(tx, request, { ...event, subjectId: account.id, detail: { provider: identity.provider } })
    return session
  })
}

/** The person's identity, which must be one of the account's. */
async function requireOwn(
  app: App,
  userId: string,
  { issuer, subject }: ProviderProfile,
  request: RequestInfo,
): Promise<Identity> {
  const identities = await identitiesOf(app, userId)
  const own = identities.find(each => each.issuer === issuer && each.subject === subject)
  if (own) return own
  await record(app.db, request, { action: 'session.denied', at: app.clock.now(), subjectId: userId })
  throw new AuthError('INVALID_CREDENTIALS', {
    message: 'You signed in to the provider as someone whom your account doesn’t know. Try again.',
  })
}

/** @throws AuthError PROVIDER_FAILED if the person proved themselves to the provider before the flow began */
function requireFresh({ createdAt }: RedeemedFlow, { authTime }: ProviderProfile): void {
  if (authTime === null || authTime >= addSeconds(createdAt, -LEEWAY_SECONDS)) return
  throw new AuthError('PROVIDER_FAILED', {
    message: 'The provider didn’t ask you to sign in again. Sign out there first, or confirm in another way.',
    cause: 'auth_time is before the start',
  })
}

const confirm = `
  UPDATE sessions s SET authenticated_at = $2::timestamptz, provider_at = $2::timestamptz
  FROM users u, identities i WHERE s.id = $1::uuid AND u.id = s.user_id AND ${isLive('$2::timestamptz')}
    AND i.id = $3::uuid AND i.user_id = u.id`

async function confirmSession(
  tx: Queryable,
  session: Session,
  { id }: Identity,
  now: Date,
): Promise<Session> {
  const confirmed = await tx.$executeRawUnsafe(confirm, session.id, now, id)
  if (confirmed === 0) throw unauthenticated('REVOKED')
  return { ...session, authenticatedAt: now, providerAt: now }
}

/** For a client that did not receive the answer. @throws AuthError TOKEN_INVALID */
function confirmedBefore(app: App, flow: RedeemedFlow, session: Session): Session {
  if (isRepeatable(app, flow) && session.providerAt && flow.completedAt) return session
  throw flowEnded('completed before')
}
