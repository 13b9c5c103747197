import { Field, InputType } from 'type-graphql'

const TOKEN = 'What follows `token=` in the link.'

@InputType('RequestPasswordResetInput', { description: 'Whose password is forgotten.' })
export class RequestPasswordResetInput {
  @Field(() => String, { description: 'The e-mail address of the account.' })
  email!: string
}

@InputType('ResetPasswordInput', { description: 'The token from the link of a mail, and the new password.' })
export class ResetPasswordInput {
  @Field(() => String, { description: TOKEN })
  token!: string

  @Field(() => String, { description: 'By the same rules as at registration.' })
  newPassword!: string

  @Field(() => String, {
    nullable: true,
    description: 'The `deviceToken` that this app keeps, if any: the account knows the app from then on.',
  })
  deviceToken?: string | null
}

@InputType('RequestEmailChangeInput', { description: 'The address to change to.' })
export class RequestEmailChangeInput {
  @Field(() => String, { description: 'Where the link to confirm the change is sent.' })
  newEmail!: string
}

@InputType('ConfirmEmailChangeInput', { description: 'The token from the mail to the new address.' })
export class ConfirmEmailChangeInput {
  @Field(() => String, { description: TOKEN })
  token!: string
}

@InputType('UndoEmailChangeInput', { description: 'The token from a mail to the old address.' })
export class UndoEmailChangeInput {
  @Field(() => String, { description: TOKEN })
  token!: string
}

@InputType('ChangePasswordInput', { description: 'The old password and the new.' })
export class ChangePasswordInput {
  @Field(() => String, { description: 'The password that is valid now.' })
  currentPassword!: string

  @Field(() => String, { description: 'By the same rules as at registration.' })
  newPassword!: string

  @Field(() => String, {
    nullable: true,
    description: 'The `deviceToken` that this app keeps, if any: the account forgets all other devices.',
  })
  deviceToken?: string | null
}
