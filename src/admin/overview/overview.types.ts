import { GraphQLDateTime } from 'graphql-scalars'
import { Authorized, Field, Int, ObjectType, registerEnumType } from 'type-graphql'
import { OverviewPeriod } from './overview.ts'

registerEnumType(OverviewPeriod, {
  name: 'OverviewPeriod',
  description: 'The period that an overview covers.',
  valuesConfig: {
    LAST_24_HOURS: { description: 'The current hour and the 23 hours before it, hour by hour.' },
    LAST_30_DAYS: { description: 'Today and the 29 days before it, day by day.' },
  },
})

const COUNTED =
  'one number for each interval: exact up to 20,000, beyond that an estimate to two significant digits.'

@ObjectType('Overview', { description: 'What happened on this server over a period, in intervals.' })
export class OverviewType {
  @Field(() => [GraphQLDateTime], {
    description: 'The start of each interval, earliest first. The last interval is not over.',
  })
  startsAt!: Date[]

  @Field(() => [Int], { description: `Successful sign-ins, ${COUNTED}` })
  signIns!: () => Promise<number[]>

  @Field(() => [Int], { description: `Failed sign-ins, ${COUNTED}` })
  failures!: () => Promise<number[]>

  @Field(() => [Int], { description: `Limits on attempts that were reached, ${COUNTED}` })
  limitsHit!: () => Promise<number[]>

  @Field(() => [Int], { description: `Emails that failed and are not retried, ${COUNTED}` })
  emailsFailed!: () => Promise<number[]>

  @Field(() => Int, {
    description: 'The number of emails that are waiting to be sent now; 10,001 if there are more.',
  })
  emailsQueued!: () => Promise<number>

  @Authorized('users:read')
  @Field(() => [Int], { description: `New accounts that still exist, ${COUNTED}` })
  newPeople!: () => Promise<number[]>

  @Authorized('users:read')
  @Field(() => Int, {
    description:
      'The number of accounts now: exact up to 10,000, beyond that an estimate to two significant digits.',
  })
  people!: () => Promise<number>
}
