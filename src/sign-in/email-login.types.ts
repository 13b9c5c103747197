import { GraphQLDateTime } from 'graphql-scalars'
import { Field, InputType, ObjectType } from 'type-graphql'
import { RememberedSessionInput } from './session-input.types.ts'

@InputType('RequestEmailLoginInput', { description: 'Where to send the email.' })
export class RequestEmailLoginInput {
  @Field(() => String, { description: 'The email address to sign in with.' })
  email!: string

  @Field(() => String, {
    nullable: true,
    description:
      'The language of an account that is created, as a BCP 47 tag. Defaults to the server’s default.',
  })
  locale?: string | null
}

@ObjectType('EmailLoginRequested', {
  description: 'The email is on its way, if the address can sign in. Every address gets this answer.',
})
export class EmailLoginRequested {
  @Field(() => String, {
    description:
      'Pass it to `loginWithEmail` with the code from the email. The code is valid only together with it.',
  })
  ticket!: string

  @Field(() => GraphQLDateTime, { description: 'When the ticket, the code and the link expire.' })
  expiresAt!: Date
}

@InputType('LoginWithEmailInput', {
  description: 'Either the token of the link, or the ticket of the request and the code.',
})
export class LoginWithEmailInput extends RememberedSessionInput {
  @Field(() => String, { nullable: true, description: 'The value of `token=` in the link.' })
  token?: string | null

  @Field(() => String, { nullable: true, description: 'The ticket from `requestEmailLogin`.' })
  ticket?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The six digits from the email. Spaces and hyphens are ignored.',
  })
  code?: string | null
}
