import { GraphQLJSONObject } from 'graphql-scalars'
import { Field, InputType } from 'type-graphql'
import { UpdateProfileInput } from '../../accounts/accounts.types.ts'

@InputType('InviteUserInput', { description: 'Who is invited.' })
export class InviteUserInput {
  @Field(() => String, { description: 'Where the invitation is sent.' })
  email!: string

  @Field(() => String, {
    nullable: true,
    description: '3 to 32 of a-z, 0-9, _, . and -; upper case becomes lower case.',
  })
  username?: string | null

  @Field(() => String, { nullable: true, description: 'At most 100 characters, on one line.' })
  displayName?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The language of the mail, as a BCP 47 tag; otherwise that of the server.',
  })
  locale?: string | null

  @Field(() => [String], {
    nullable: true,
    description: 'All the roles to give, which takes `roles:write`; otherwise `user` alone.',
  })
  roles?: string[] | null
}

@InputType('UpdateUserInput', {
  description: 'What to change. A field left out stays; null clears the display name or the username.',
})
export class UpdateUserInput extends UpdateProfileInput {
  @Field(() => String, { nullable: true, description: 'Another address; it counts as unverified.' })
  email?: string | null

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: 'Replaces the private metadata as a whole, within the same bounds.',
  })
  privateMetadata?: Record<string, unknown> | null
}
