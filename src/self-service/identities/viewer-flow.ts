import { z } from 'zod'
import type { App } from '../../app.ts'
import type { Context, RequestInfo, Viewer } from '../../context.ts'
import type { Queryable } from '../../database/client.ts'
import { checkInput } from '../../input.ts'
import { countInvalidTokens } from '../../one-time-tokens/token.ts'
import { requireSession } from '../../sessions/require-session.ts'
import { type FlowPurpose, flowEnded, type RedeemedFlow, redeemCode } from '../../sign-in/provider-flow.ts'
import { type FlowStarter, type StartedFlow, startProvider } from '../../sign-in/start-provider.ts'

export type ViewerPurpose = Exclude<FlowPurpose, 'sign-in'>

/**
 * Begins a flow at a provider in the viewer's session. Only this session can complete it.
 * @throws AuthError as `startProvider`
 */
export function startViewerFlow(
  { app, request, response }: Context,
  input: unknown,
  viewer: Viewer,
  starter: Omit<FlowStarter, 'viewer'>,
): Promise<StartedFlow> {
  const owner = { userId: viewer.account.id, sessionId: requireSession(viewer).session.id }
  return startProvider(app, input, { ...starter, viewer: owner }, { request, response })
}

const schema = z.object({ code: z.string(), codeVerifier: z.string() })

/**
 * The flow that the viewer's session began, with what the provider said, unless it was completed before.
 * @throws AuthError BAD_USER_INPUT, TOKEN_INVALID, RATE_LIMITED
 */
export async function redeemViewerFlow(
  app: App,
  purpose: ViewerPurpose,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<RedeemedFlow> {
  const secrets = checkInput(schema, input)
  const { session } = requireSession(viewer)
  return countInvalidTokens(app, request, async () => {
    const flow = await redeemCode(app, purpose, secrets)
    if (flow.userId !== viewer.account.id || flow.sessionId !== session.id)
      throw flowEnded('another session began it')
    return flow
  })
}

/**
 * Uses up a flow in the transaction of its effect. Of parallel completions, one continues.
 * @throws AuthError TOKEN_INVALID; roll back
 */
export async function useUpFlow(app: App, tx: Queryable, { id }: Pick<RedeemedFlow, 'id'>): Promise<void> {
  const data = { completedAt: app.clock.now(), sealedOutcome: null }
  const { count } = await tx.providerFlow.updateMany({ where: { id, completedAt: null }, data })
  if (count === 0) throw flowEnded('completed before')
}
