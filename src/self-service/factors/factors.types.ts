import { GraphQLDateTime } from 'graphql-scalars'
import { Field, InputType, ObjectType } from 'type-graphql'
import { AuthPayload } from '../../sessions/sessions.types.ts'

@InputType('TicketInput', { description: 'Who adds a factor. Omit it if you are signed in.' })
export class TicketInput {
  @Field(() => String, {
    nullable: true,
    description:
      'The ticket of `SecondFactorSetupRequired`. For `sendEmailCode` also that of `SecondFactorRequired`, to recover lost factors.',
  })
  ticket?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The code that `sendEmailCode` sent for the same session or ticket. Required for the first factor of an account.',
  })
  emailCode?: string | null
}

@ObjectType('TotpSetup', { description: 'An authenticator app that does not count until it is confirmed.' })
export class TotpSetupType {
  @Field(() => String, { description: 'Pass it to `confirmTotp` with a code of the app.' })
  ticket!: string

  @Field(() => String, { description: 'The secret in base32, to type into the app.' })
  secret!: string

  @Field(() => String, { description: 'The `otpauth:` URI, to open in an app on the same device.' })
  uri!: string

  @Field(() => String, { description: 'The URI as a QR code: an SVG document.' })
  qrCode!: string

  @Field(() => GraphQLDateTime, { description: 'When the ticket expires.' })
  expiresAt!: Date
}

@InputType('ConfirmTotpInput', { description: 'The proof that the app has the secret.' })
export class ConfirmTotpInput {
  @Field(() => String, { description: 'The ticket of `beginTotp`.' })
  ticket!: string

  @Field(() => String, { description: 'The code that the app shows.' })
  code!: string
}

@ObjectType('FactorAdded', { description: 'The factor counts from now on.' })
export class FactorAdded {
  @Field(() => AuthPayload, {
    description:
      'The session, which has proved the factor. Its tokens replace the earlier ones of a signed-in client.',
  })
  auth!: AuthPayload

  @Field(() => [String], {
    nullable: true,
    description:
      'The recovery codes, which come with the first factor and are never shown again. Null for further factors.',
  })
  recoveryCodes!: string[] | null
}
