import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ObjectType } from 'type-graphql'

@ObjectType('Role', { description: 'A named set of permissions that accounts can have.' })
export class RoleType {
  @Field(() => String, { description: 'The name of the role, such as support. Pass it to `setUserRoles`.' })
  name!: string

  @Field(() => String, { nullable: true, description: 'What the role is for.' })
  description!: string | null

  @Field(() => [String], { description: 'What accounts with this role may do, such as users:read.' })
  permissions!: string[]

  @Field(() => Boolean, { description: 'Built-in roles can be assigned, but not changed or deleted.' })
  builtIn!: boolean

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description:
      'From this time on, accounts with the role need a second factor; null if the role does not require one. Set it with `setRoleSecondFactor`.',
  })
  secondFactorRequiredFrom!: Date | null
}
