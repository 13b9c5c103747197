import { Arg, Authorized, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { OverviewPeriod, overviewOf } from './overview.ts'
import { OverviewType } from './overview.types.ts'

@Resolver(() => OverviewType)
export class OverviewResolver {
  @Authorized('audit:read')
  @Query(() => OverviewType, {
    description: withExample(
      'Counts sign-ins, failures, limits reached, emails and new accounts over the last 24 hours or 30 days.',
      'query Overview { overview(period: LAST_24_HOURS, timeZone: "Asia/Seoul") { startsAt signIns failures limitsHit emailsFailed emailsQueued newPeople people } }',
    ),
  })
  overview(
    @Ctx() { app }: Context,
    @Arg('period', () => OverviewPeriod, { description: 'The period to count in.' })
    period: OverviewPeriod,
    @Arg('timeZone', () => String, {
      defaultValue: 'UTC',
      description: 'The time zone in which hours and days begin, by its IANA name such as Asia/Seoul.',
    })
    timeZone: string,
  ): Promise<OverviewType> {
    return overviewOf(app, period, timeZone)
  }

  // Guarded fields are not called by themselves.
  @FieldResolver()
  newPeople(@Root() overview: OverviewType): Promise<number[]> {
    return overview.newPeople()
  }

  @FieldResolver()
  people(@Root() overview: OverviewType): Promise<number> {
    return overview.people()
  }
}
