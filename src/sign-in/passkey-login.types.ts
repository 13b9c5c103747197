import { Field, InputType } from 'type-graphql'
import { PasskeyInput } from '../credentials/passkey/passkey.types.ts'
import { TokenTransport } from '../sessions/token-transport.ts'

@InputType('LoginWithPasskeyInput', { description: 'A passkey, and options for the session.' })
export class LoginWithPasskeyInput {
  @Field(() => PasskeyInput, { description: 'The ticket of `beginPasskeyLogin` and the browser’s answer.' })
  passkey!: PasskeyInput

  @Field(() => String, { nullable: true, description: 'The device’s own name, such as Ada’s phone.' })
  deviceName?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The `deviceToken` of an earlier sign-in with this app, if any. Web pages send it in a cookie.',
  })
  deviceToken?: string | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description:
      'If false, the session ends within a day, and its cookie is deleted when the browser closes.',
  })
  rememberMe?: boolean | null

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'Defaults to BODY.',
  })
  tokenTransport?: TokenTransport | null
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
export class RegisterWithPasskeyInput {
  @Field(() => PasskeyInput, {
    description: 'The ticket of `beginPasskeyRegistration` and the browser’s answer.',
  })
  passkey!: PasskeyInput

  @Field(() => String, { nullable: true, description: 'The device’s own name, such as Ada’s phone.' })
  deviceName?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The `deviceToken` of an earlier sign-in with this app, if any. Web pages send it in a cookie.',
  })
  deviceToken?: string | null

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'Defaults to BODY.',
  })
  tokenTransport?: TokenTransport | null
}
