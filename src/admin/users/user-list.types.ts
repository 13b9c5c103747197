import { GraphQLDateTime } from 'graphql-scalars'
import { Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql'
import { UserType } from '../../accounts/accounts.types.ts'
import { PageInfo } from '../../pagination.ts'
import { OrderDirection, UserOrderField } from './user-list.ts'

registerEnumType(UserOrderField, {
  name: 'UserOrderField',
  description: 'What accounts are ordered by.',
  valuesConfig: {
    CREATED_AT: { description: 'When the account was made.' },
    EMAIL: { description: 'The e-mail address, in lower case.' },
    LAST_LOGIN_AT: { description: 'The last sign-in; never comes before every other.' },
  },
})
registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'Which end of the order comes first.',
  valuesConfig: {
    ASC: { description: 'The least or the earliest.' },
    DESC: { description: 'The greatest or the latest.' },
  },
})

@InputType('UserOrder', {
  description: 'The order of a list of accounts. A cursor is good for one order only.',
})
export class UserOrderInput {
  @Field(() => UserOrderField, { description: 'What to order by.' })
  field!: UserOrderField

  @Field(() => OrderDirection, { description: 'Which end comes first.' })
  direction!: OrderDirection
}

@InputType('UserFilter', { description: 'Which accounts; everything given must hold.' })
export class UserFilter {
  @Field(() => String, {
    nullable: true,
    description:
      'A part of the e-mail address, the username or the display name, in upper or lower case; from one character to 100.',
  })
  search?: string | null

  @Field(() => String, { nullable: true, description: 'Those that have this role.' })
  role?: string | null

  @Field(() => Boolean, { nullable: true, description: 'Those that are disabled, or those that are not.' })
  disabled?: boolean | null

  @Field(() => Boolean, {
    nullable: true,
    description: 'Those whose address is verified, or those whose is not.',
  })
  emailVerified?: boolean | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Made later than this.' })
  createdAfter?: Date | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Made earlier than this.' })
  createdBefore?: Date | null
}

@ObjectType('UserEdge', { description: 'An account and its place in the list.' })
export class UserEdge {
  @Field(() => String, { description: 'For `after` and `before`, in the same order.' })
  cursor!: string

  @Field(() => UserType, { description: 'The account.' })
  node!: UserType
}

@ObjectType('UserConnection', { description: 'A page of accounts.' })
export class UserConnection {
  @Field(() => [UserEdge], { description: 'The accounts with their cursors.' })
  edges!: UserEdge[]

  @Field(() => [UserType], { description: 'The accounts.' })
  nodes!: UserType[]

  @Field(() => PageInfo, { description: 'Whether there are more.' })
  pageInfo!: PageInfo

  @Field(() => Int, {
    description:
      'How many accounts the filter selects in all: exact up to 10,000, beyond that an estimate to two digits. Takes time of its own; leave it out where nobody reads it.',
  })
  totalCount!: () => Promise<number>
}
