import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType } from 'type-graphql'

@ObjectType('TrustedDevice', {
  description: 'A browser or app that needs no second factor for a while, because its user chose so.',
})
export class TrustedDeviceType {
  @Field(() => ID, { description: 'A UUID.' })
  id!: string

  @Field(() => String, {
    nullable: true,
    description: 'The name that the client sent, or one derived from its user agent.',
  })
  name!: string | null

  @Field(() => Boolean, { description: 'Whether the session of the request was started from it.' })
  current!: boolean

  @Field(() => GraphQLDateTime, { description: 'When it needs a second factor again.' })
  trustedUntil!: Date

  @Field(() => GraphQLDateTime, { description: 'The latest sign-in from it.' })
  lastUsedAt!: Date

  @Field(() => String, { nullable: true, description: 'The IP address of that sign-in.' })
  ipAddress!: string | null
}
