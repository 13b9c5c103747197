import { Field, InputType } from 'type-graphql'
import { PasskeyInput } from '../credentials/passkey/passkey.types.ts'
import { RememberedSessionInput, SessionInput } from './session-input.types.ts'

@InputType('LoginWithPasskeyInput', { description: 'A passkey, and options for the session.' })
export class LoginWithPasskeyInput extends RememberedSessionInput {
  @Field(() => PasskeyInput, { description: 'The ticket of `beginPasskeyLogin` and the browser’s answer.' })
  passkey!: PasskeyInput
}

@InputType('BeginPasskeyRegistrationInput', { description: 'A new account without a password.' })
export class BeginPasskeyRegistrationInput {
  @Field(() => String, { description: 'An email address that does not have an account yet.' })
  email!: string

  @Field(() => String, {
    nullable: true,
    description:
      '3 to 32 characters from a-z, 0-9, _, . and -. Uppercase letters are converted to lowercase.',
  })
  username?: string | null

  @Field(() => String, { nullable: true, description: 'At most 100 characters, on one line.' })
  displayName?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'A BCP 47 tag such as en or ko. Defaults to the server’s default language.',
  })
  locale?: string | null
}

@InputType('RegisterWithPasskeyInput', {
  description: 'The passkey of a new account, and options for the session.',
})
export class RegisterWithPasskeyInput extends SessionInput {
  @Field(() => PasskeyInput, {
    description: 'The ticket of `beginPasskeyRegistration` and the browser’s answer.',
  })
  passkey!: PasskeyInput
}
