import { Field, InputType } from 'type-graphql'

@InputType('RoleInput', { description: 'The name, description and permissions of a role.' })
export class RoleInput {
  @Field(() => String, { description: '2 to 32 characters from a-z, 0-9 and -, starting with a letter.' })
  name!: string

  @Field(() => String, {
    nullable: true,
    description:
      'What the role is for, in at most 200 characters. Omit to keep the description; null clears it.',
  })
  description?: string | null

  @Field(() => [String], {
    description: 'All permissions of the role. You can only include permissions that you hold.',
  })
  permissions!: string[]
}
