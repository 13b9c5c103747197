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
