import { Field, InputType } from 'type-graphql'

const TOKEN = 'The value of `token=` in the link.'

@InputType('RequestPasswordResetInput', { description: 'The account that needs a new password.' })
export class RequestPasswordResetInput {
  @Field(() => String, { description: 'The account’s email address.' })
  email!: string
}

@InputType('ResetPasswordInput', { description: 'The token from the emailed link, and the new password.' })
export class ResetPasswordInput {
  @Field(() => String, { description: TOKEN })
  token!: string

  @Field(() => String, { description: 'The same rules apply as at registration.' })
  newPassword!: string

  @Field(() => String, {
    nullable: true,
    description: 'The `deviceToken` that this app has stored, if any. The account then recognizes this app.',
  })
  deviceToken?: string | null
}

@InputType('RequestEmailChangeInput', { description: 'The new address.' })
export class RequestEmailChangeInput {
  @Field(() => String, { description: 'Where the link to confirm the change is sent.' })
  newEmail!: string
}

@InputType('ConfirmEmailChangeInput', { description: 'The token from the email to the new address.' })
export class ConfirmEmailChangeInput {
  @Field(() => String, { description: TOKEN })
  token!: string
}

@InputType('UndoEmailChangeInput', { description: 'The token from the email to the old address.' })
export class UndoEmailChangeInput {
  @Field(() => String, { description: TOKEN })
  token!: string
}

@InputType('ChangePasswordInput', { description: 'The current password and the new one.' })
export class ChangePasswordInput {
  @Field(() => String, { description: 'The current password.' })
  currentPassword!: string

  @Field(() => String, { description: 'The same rules apply as at registration.' })
  newPassword!: string

  @Field(() => String, {
    nullable: true,
    description: 'The `deviceToken` that this app has stored, if any. The account forgets all other devices.',
  })
  deviceToken?: string | null
}
