import { createUnionType, Field, InputType, ObjectType, registerEnumType } from 'type-graphql'
import { AuthPayload } from '../sessions/sessions.types.ts'
import { TokenTransport } from '../sessions/token-transport.ts'

registerEnumType(TokenTransport, {
  name: 'TokenTransport',
  description: 'Where the refresh token travels.',
  valuesConfig: {
    BODY: { description: 'In the payload: for mobile and server clients.' },
    COOKIE: { description: 'In an HttpOnly cookie, out of reach of scripts: for web pages.' },
  },
})

@ObjectType('EmailVerificationRequired', {
  description:
    'The registration is taken, and the address must be verified before signing in. An address that already has an account gets the same answer.',
})
export class EmailVerificationRequired {
  @Field(() => String, { description: 'Where the link was sent.' })
  email!: string
}

export const RegisterResult = createUnionType({
  name: 'RegisterResult',
  description: 'Signed in at once, or asked to verify the address first, as the server is set up.',
  types: () => [AuthPayload, EmailVerificationRequired] as const,
  resolveType: value => ('email' in value ? EmailVerificationRequired : AuthPayload),
})

export const LoginResult = createUnionType({
  name: 'LoginResult',
  description: 'Signed in. Ask for `__typename`: further outcomes come with second factors.',
  types: () => [AuthPayload] as const,
  resolveType: () => AuthPayload,
})

@InputType('RegisterInput', { description: 'A new account.' })
export class RegisterInput {
  @Field(() => String, { description: 'An e-mail address that has no account yet.' })
  email!: string

  @Field(() => String, {
    description:
      '8 to 128 characters of any kind (see `authSettings`); neither common nor made of the other fields.',
  })
  password!: string

  @Field(() => String, {
    nullable: true,
    description: '3 to 32 of a-z, 0-9, _, . and -; upper case becomes lower case.',
  })
  username?: string | null

  @Field(() => String, { nullable: true, description: 'At most 100 characters, on one line.' })
  displayName?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'A BCP 47 tag such as en or ko; the server’s default otherwise.',
  })
  locale?: string | null

  @Field(() => String, { nullable: true, description: 'What the device calls itself, such as Ada’s phone.' })
  deviceName?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The `deviceToken` of an earlier sign-in with this app, if any. Pages have a cookie for it.',
  })
  deviceToken?: string | null

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'BODY unless told.',
  })
  tokenTransport?: TokenTransport | null
}

@InputType('LoginInput', { description: 'A name and its password.' })
export class LoginInput {
  @Field(() => String, { description: 'The e-mail address or the username.' })
  identifier!: string

  @Field(() => String, { description: 'The password as it was chosen.' })
  password!: string

  @Field(() => String, { nullable: true, description: 'What the device calls itself, such as Ada’s phone.' })
  deviceName?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The `deviceToken` of an earlier sign-in with this app, whichever the account. It lets you in while others have used up the attempts, and spares you the notice of a new device. Pages have a cookie for it. One that is not valid is ignored.',
  })
  deviceToken?: string | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description: 'False: the session ends within a day, and its cookie with the browser.',
  })
  rememberMe?: boolean | null

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'BODY unless told.',
  })
  tokenTransport?: TokenTransport | null
}

@InputType('LogoutInput', { description: 'Which session to end, besides that of the access token.' })
export class LogoutInput {
  @Field(() => String, { nullable: true, description: 'Any refresh token of the session.' })
  refreshToken?: string | null
}

@InputType('ReauthenticateInput', { description: 'The password again.' })
export class ReauthenticateInput {
  @Field(() => String, { description: 'The current password.' })
  password!: string
}
