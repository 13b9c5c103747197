import { Args, Authorized, Ctx, Query, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { PageArgs } from '../pagination.ts'
import { requireSession } from '../sessions/require-session.ts'
import { toSession } from '../sessions/sessions.types.ts'
import { type Activity, securityActivityPage } from './security-activity.ts'
import {
  SecurityEventActor,
  SecurityEventConnection,
  type SecurityEventType,
} from './security-activity.types.ts'

@Resolver()
export class SecurityActivityResolver {
  @Authorized()
  @Query(() => SecurityEventConnection, {
    description: withExample(
      'Lists what happened to your account, newest first: sign-ins, failed sign-ins, changes of the password, the address and the roles. If you don’t recognize an event, end its session with `revokeSession` and set a new password with `changePassword`.',
      'query Activity { securityActivity(first: 10) { pageInfo { hasNextPage endCursor } edges { cursor node { id } } nodes { id at action actor ipAddress userAgent deviceName session { id current } } } }',
    ),
  })
  async securityActivity(
    @Ctx() { app, viewer }: Context,
    @Args(() => PageArgs) args: PageArgs,
  ): Promise<SecurityEventConnection> {
    const caller = await viewer()
    const currentId = requireSession(caller).session.id
    const { edges, nodes, pageInfo } = await securityActivityPage(app, caller.account.id, args)
    const toEvent = ({ session, actor, ...event }: Activity): SecurityEventType => ({
      ...event,
      actor: SecurityEventActor[actor],
      session: session ? toSession(session, currentId) : null,
    })
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: toEvent(node) })),
      nodes: nodes.map(toEvent),
      pageInfo,
    }
  }
}
