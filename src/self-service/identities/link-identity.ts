import { z } from 'zod'
import type { App } from '../../app.ts'
import type { Context, RequestInfo, Viewer } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Identity } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { countInvalidTokens } from '../../one-time-tokens/token.ts'
import { requireRecentSignIn } from '../../sessions/assurance.ts'
import { type OpenedIdentity, openIdentity } from '../../sign-in/identity-ticket.ts'
import { flowEnded, isRepeatable, type RedeemedFlow } from '../../sign-in/provider-flow.ts'
import type { StartedFlow } from '../../sign-in/start-provider.ts'
import { linkToViewer, requireMayLink } from './link-to-viewer.ts'
import { redeemViewerFlow, startViewerFlow, useUpFlow } from './viewer-flow.ts'

/**
 * Begins to connect an identity at a provider to the viewer's account.
 * @throws AuthError as `startProvider`; REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED, EMAIL_NOT_VERIFIED
 */
export async function startProviderLink(context: Context, input: unknown): Promise<StartedFlow> {
  const viewer = await context.viewer()
  await requireMayLink(context.app, viewer)
  return startViewerFlow(context, input, viewer, { purpose: 'link', prompt: 'select_account' })
}

/**
 * Connects the identity that proved itself in a flow of this session. If the answer was lost, the same code and verifier
 * get the same identity within a minute.
 * @throws AuthError as `linkToViewer`; BAD_USER_INPUT, TOKEN_INVALID, RATE_LIMITED
 */
export async function completeProviderLink(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Identity> {
  const redeem = () => redeemViewerFlow(app, 'link', input, viewer, request)
  const flow = await redeem()
  if (!flow.profile) return linkedBefore(app, flow)
  try {
    return await linkToViewer(app, viewer, flow.profile, tx => useUpFlow(app, tx, flow), request)
  } catch (error) {
    // A parallel request of the same client may have completed it.
    if (!(error instanceof AuthError) || !['TOKEN_INVALID', 'CONFLICT'].includes(error.code)) throw error
    const now = await redeem()
    if (now.profile) throw error
    return linkedBefore(app, now)
  }
}

/** @throws AuthError TOKEN_INVALID */
async function linkedBefore(app: App, flow: RedeemedFlow): Promise<Identity> {
  const { userId, provider, consumedAt } = flow
  const linked =
    isRepeatable(app, flow) && userId && consumedAt
      ? await app.db.identity.findFirst({
          where: { userId, provider, createdAt: { gte: consumedAt } },
          orderBy: { createdAt: 'desc' },
        })
      : null
  if (!linked) throw flowEnded('completed before')
  return linked
}

const ticketSchema = z.object({ ticket: z.string() })

/**
 * Connects the identity of a sign-in that found no account to sign in to, once its owner has signed in to their account in
 * another way. The ticket is single-use. If the provider's address has an account, only that account can have it.
 * @throws AuthError as `linkToViewer`; BAD_USER_INPUT, TOKEN_INVALID, RATE_LIMITED, REAUTHENTICATION_REQUIRED,
 *   STEP_UP_REQUIRED; CONFLICT also for the ticket of another account's address
 */
export async function linkIdentity(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Identity> {
  await requireRecentSignIn(app, viewer)
  const { ticket } = checkInput(ticketSchema, input)
  const opened = await countInvalidTokens(app, request, async () =>
    openIdentity(app, ticket, 'link', 'sign-up'),
  )
  if (opened.accountId !== null && opened.accountId !== viewer.account.id) {
    throw new AuthError('CONFLICT', {
      message: 'The address at the provider belongs to another account. Sign in to that account first.',
    })
  }
  return linkToViewer(app, viewer, opened.profile, tx => spend(tx, opened), request)
}

/** @throws AuthError TOKEN_INVALID; roll back */
async function spend(tx: Queryable, { id, expiresAt, claim }: OpenedIdentity): Promise<void> {
  const { count } = await tx.spentTicket.createMany({ data: [{ id, expiresAt }], skipDuplicates: true })
  if (count === 0) throw claim.lost()
}
