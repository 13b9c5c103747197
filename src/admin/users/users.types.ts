import { GraphQLJSONObject } from 'graphql-scalars'
import { Field, InputType } from 'type-graphql'
import { UpdateProfileInput } from '../../accounts/accounts.types.ts'

@InputType('InviteUserInput', { description: 'The person to invite.' })
export class InviteUserInput {
  @Field(() => String, { description: 'The email address to send the invitation to.' })
  email!: string

  @Field(() => String, {
    nullable: true,
    description:
      '3 to 32 characters from a-z, 0-9, _, . and -. Uppercase letters are converted to lowercase.',
  })
  username?: string | null

  @Field(() => String, { nullable: true, description: 'At most 100 characters, without line breaks.' })
  displayName?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The language of the email and the account, as a BCP 47 tag. Defaults to the server’s first language.',
  })
  locale?: string | null

  @Field(() => [String], {
    nullable: true,
    description: 'All roles of the account; requires `roles:write`. Defaults to `user` only.',
  })
  roles?: string[] | null
}

@InputType('UpdateUserInput', {
  description:
    'The fields to change. Omitted fields stay as they are; null clears the display name or the username.',
})
export class UpdateUserInput extends UpdateProfileInput {
  @Field(() => String, {
    nullable: true,
    description: 'A new email address. It is unverified until its owner follows the link sent to it.',
  })
  email?: string | null

  @Field(() => Boolean, {
    nullable: true,
    description:
      'True marks the address as verified without a link, false as unverified. Applies to the new address if the input has one. You can’t mark your own.',
  })
  emailVerified?: boolean | null

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: 'Replaces all private metadata. The limits of `publicMetadata` apply.',
  })
  privateMetadata?: Record<string, unknown> | null
}
