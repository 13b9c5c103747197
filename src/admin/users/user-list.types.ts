import { GraphQLDateTime } from 'graphql-scalars'
import { Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql'
import { UserType } from '../../accounts/accounts.types.ts'
import { PageInfo } from '../../pagination.ts'
import { OrderDirection, UserOrderField } from './user-list.ts'

registerEnumType(UserOrderField, {
  name: 'UserOrderField',
  description: 'The field to sort accounts by.',
  valuesConfig: {
    CREATED_AT: { description: 'The time the account was created.' },
    NAME: {
      description: 'The display name, or else the username, or else the email address, regardless of case.',
    },
    EMAIL: { description: 'The email address, in lowercase.' },
    LAST_LOGIN_AT: {
      description: 'The time of the last sign-in. Accounts that have never signed in count as the earliest.',
    },
  },
})
registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'The sort direction.',
  valuesConfig: {
    ASC: { description: 'Lowest or earliest first.' },
    DESC: { description: 'Highest or latest first.' },
  },
})

@InputType('UserOrder', {
  description: 'The sort order of accounts. A cursor is only valid for the order it was created with.',
})
export class UserOrderInput {
  @Field(() => UserOrderField, { description: 'The field to sort by.' })
  field!: UserOrderField

  @Field(() => OrderDirection, { description: 'The sort direction.' })
  direction!: OrderDirection
}

@InputType('UserFilter', { description: 'Selects accounts that match all of the given conditions.' })
export class UserFilter {
  @Field(() => String, {
    nullable: true,
    description:
      'Part of the email address, the username or the display name, ignoring case; 1 to 100 characters.',
  })
  search?: string | null

  @Field(() => String, { nullable: true, description: 'Only accounts with this role.' })
  role?: string | null

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only disabled accounts if true, only enabled accounts if false.',
  })
  disabled?: boolean | null

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only accounts with a verified email address if true, only those without one if false.',
  })
  emailVerified?: boolean | null

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Only accounts with an authenticator app, a passkey or a security key if true, only those without any if false.',
  })
  hasSecondFactor?: boolean | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Created after this time.' })
  createdAfter?: Date | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'Created before this time.' })
  createdBefore?: Date | null
}

@ObjectType('UserEdge', { description: 'An account and its position in the list.' })
export class UserEdge {
  @Field(() => String, { description: 'Pass this as `after` or `before`, with the same order.' })
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

  @Field(() => PageInfo, { description: 'Whether there are more pages.' })
  pageInfo!: PageInfo

  @Field(() => Int, {
    description:
      'The number of accounts that match the filter: exact up to 10,000, beyond that an estimate to two significant digits. Counting takes extra time, so select this field only if you need it.',
  })
  totalCount!: () => Promise<number>
}
