import { Field, InputType } from 'type-graphql'

@InputType('RoleInput', { description: 'What a role is called and what it allows.' })
export class RoleInput {
  @Field(() => String, { description: '2 to 32 of a-z, 0-9 and -, starting with a letter.' })
  name!: string

  @Field(() => String, {
    nullable: true,
    description: 'What the role is for, in at most 200 characters. Left out, it stays; null clears it.',
  })
  description?: string | null

  @Field(() => [String], { description: 'All that its holders may do; only what one may do oneself.' })
  permissions!: string[]
}
