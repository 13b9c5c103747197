import { Authorized, Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { AuthError } from '../errors.ts'
import { liveSessions } from './list-sessions.ts'
import { sessionIdOf } from './require-session.ts'
import { SessionType, toSession } from './sessions.types.ts'

@Resolver(() => UserType)
export class UserSessionsResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => [SessionType], {
    description: 'The live sessions, most recently used first; at most SESSIONS_MAX.',
  })
  async sessions(@Root() user: UserType, @Ctx() context: Context): Promise<SessionType[]> {
    const currentId = context.isRevealed(user)
      ? context.revealedBy(user)
      : sessionIdOf(await context.viewer())
    const sessions = await liveSessions(context.app, user.id)
    countListed(context, sessions.length)
    return sessions.map(session => toSession(session, currentId))
  }
}

/** The limit on the objects that a query may ask for; before it runs, nothing tells how many sessions an account has. */
const LISTED_MAX = 5000
const listed = new WeakMap<Context['request'], number>()

/** @throws AuthError QUERY_TOO_COMPLEX if the lists of sessions and devices in one request add up to more than 5,000 */
export function countListed({ request }: Context, count: number): void {
  const total = (listed.get(request) ?? 0) + count
  listed.set(request, total)
  if (total <= LISTED_MAX) return
  const message = `The response would contain more than ${LISTED_MAX} sessions. Request fewer accounts at a time.`
  throw new AuthError('QUERY_TOO_COMPLEX', { message })
}
