import { Field, ObjectType } from 'type-graphql'

@ObjectType('Role', { description: 'A name for a set of permissions, given to accounts.' })
export class RoleType {
  @Field(() => String, { description: 'What `setUserRoles` takes, such as support.' })
  name!: string

  @Field(() => String, { nullable: true, description: 'What the role is for.' })
  description!: string | null

  @Field(() => [String], { description: 'What its holders may do, such as users:read.' })
  permissions!: string[]

  @Field(() => Boolean, { description: 'Built-in roles can be given, but neither changed nor deleted.' })
  builtIn!: boolean
}
