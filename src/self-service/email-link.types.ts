import { Field, ObjectType, registerEnumType } from 'type-graphql'

/** Declared as an object so that TypeScript can erase it. */
export const EmailLinkPurpose = {
  VERIFY_EMAIL: 'VERIFY_EMAIL',
  RESET_PASSWORD: 'RESET_PASSWORD',
  INVITATION: 'INVITATION',
  CONFIRM_EMAIL_CHANGE: 'CONFIRM_EMAIL_CHANGE',
  UNDO_EMAIL_CHANGE: 'UNDO_EMAIL_CHANGE',
  SIGN_IN: 'SIGN_IN',
  CANCEL_FACTOR_RECOVERY: 'CANCEL_FACTOR_RECOVERY',
} as const
export type EmailLinkPurpose = (typeof EmailLinkPurpose)[keyof typeof EmailLinkPurpose]

registerEnumType(EmailLinkPurpose, {
  name: 'EmailLinkPurpose',
  description: 'What a link in an email is for.',
  valuesConfig: {
    VERIFY_EMAIL: { description: 'Verifies an address, with `verifyEmail`.' },
    RESET_PASSWORD: { description: 'Sets a new password, with `resetPassword`.' },
    INVITATION: { description: 'Sets the first password of an invited account, with `resetPassword`.' },
    CONFIRM_EMAIL_CHANGE: { description: 'Confirms a new address, with `confirmEmailChange`.' },
    CANCEL_FACTOR_RECOVERY: {
      description: 'Cancels the recovery of second factors, with `cancelFactorRecovery`.',
    },
    SIGN_IN: { description: 'Signs in, with `loginWithEmail`.' },
    UNDO_EMAIL_CHANGE: { description: 'Keeps or restores a former address, with `undoEmailChange`.' },
  },
})

@ObjectType('EmailLink', { description: 'What a link in an email is for, and whose account it belongs to.' })
export class EmailLink {
  @Field(() => EmailLinkPurpose, { description: 'What the link is for.' })
  purpose!: EmailLinkPurpose

  @Field(() => String, { description: 'The address that the link was sent to.' })
  email!: string

  @Field(() => String, { nullable: true, description: 'The display name of the account.' })
  displayName!: string | null

  @Field(() => String, { nullable: true, description: 'The username of the account.' })
  username!: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The display name or username of the administrator who sent the invitation. Null if they have neither, or for other links.',
  })
  invitedBy!: string | null

  @Field(() => Boolean, {
    description: 'Whether the address is already verified. Other links are invalid after use.',
  })
  confirmed!: boolean
}
