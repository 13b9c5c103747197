import { Field, InputType } from 'type-graphql'
import { TokenTransport } from '../sessions/token-transport.ts'

/** The options of a session that starts. */
@InputType()
export class SessionInput {
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

/** The same, for a session that may end when the browser closes. */
@InputType()
export class RememberedSessionInput extends SessionInput {
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description:
      'If false, the session ends within a day, and its cookie is deleted when the browser closes.',
  })
  rememberMe?: boolean | null
}
