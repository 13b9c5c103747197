import { GraphQLDateTime, GraphQLJSONObject } from 'graphql-scalars'
import { createUnionType, Field, InputType, ObjectType, registerEnumType } from 'type-graphql'
import { PasskeyInput } from '../credentials/passkey/passkey.types.ts'
import { type AuthMethod, authMethods } from '../credentials/proof.ts'
import { AuthPayload } from '../sessions/sessions.types.ts'
import { TokenTransport } from '../sessions/token-transport.ts'
import { ProviderLinkRequired, ProviderSignUpRequired } from './provider.types.ts'
import { RememberedSessionInput, SessionInput } from './session-input.types.ts'

registerEnumType(TokenTransport, {
  name: 'TokenTransport',
  description: 'How the refresh token is delivered.',
  valuesConfig: {
    BODY: { description: 'In the payload, for mobile and server clients.' },
    COOKIE: { description: 'In an HttpOnly cookie that scripts cannot read, for web pages.' },
  },
})

@ObjectType('EmailVerificationRequired', {
  description:
    'The registration is accepted, and the address must be verified before signing in. An address that already has an account gets the same answer.',
})
export class EmailVerificationRequired {
  @Field(() => String, { description: 'The address that the email was sent to.' })
  email!: string
}

export const RegisterResult = createUnionType({
  name: 'RegisterResult',
  description: 'Signed in, or asked to verify the address first, depending on the server’s settings.',
  types: () => [AuthPayload, EmailVerificationRequired] as const,
  resolveType: value => ('email' in value ? EmailVerificationRequired : AuthPayload),
})

@ObjectType('SecondFactorRequired', {
  description:
    'The account demands a second factor: call `completeLogin` with the ticket. No session has started.',
})
export class SecondFactorRequired {
  @Field(() => String, {
    description:
      'Continues this sign-in. Opaque, and no proof by itself. It ends when the account’s password, address, roles or factors change.',
  })
  ticket!: string

  @Field(() => GraphQLDateTime, { description: 'When the ticket expires.' })
  expiresAt!: Date

  @Field(() => [authMethods], { description: 'The methods that complete the sign-in, the strongest first.' })
  methods!: AuthMethod[]

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description:
      'The options for `navigator.credentials.get()`, in JSON, if a passkey or a security key can complete the sign-in.',
  })
  passkeyOptions!: object | null

  @Field(() => Boolean, { description: 'Whether this device may skip the second factor next time.' })
  canTrustDevice!: boolean
}

@ObjectType('SecondFactorSetupRequired', {
  description:
    'The account demands a second factor but has none: add one with the ticket. No session has started.',
})
export class SecondFactorSetupRequired {
  @Field(() => String, { description: 'Continues this sign-in. Opaque, and no proof by itself.' })
  ticket!: string

  @Field(() => GraphQLDateTime, { description: 'When the ticket expires.' })
  expiresAt!: Date

  @Field(() => [authMethods], { description: 'The methods that can be added.' })
  methods!: AuthMethod[]
}

export const LoginResult = createUnionType({
  name: 'LoginResult',
  description: 'Signed in, or the next step of the sign-in. Select `__typename`.',
  types: () =>
    [
      AuthPayload,
      SecondFactorRequired,
      SecondFactorSetupRequired,
      ProviderSignUpRequired,
      ProviderLinkRequired,
    ] as const,
  resolveType: value => value.constructor as typeof AuthPayload,
})

@InputType('ProofInput', { description: 'A proof of who you are. Set exactly one field.' })
export class ProofInput {
  @Field(() => String, { nullable: true, description: 'The account’s password.' })
  password?: string | null

  @Field(() => String, { nullable: true, description: 'The code from an email.' })
  emailCode?: string | null

  @Field(() => String, { nullable: true, description: 'The code that the authenticator app shows.' })
  totpCode?: string | null

  @Field(() => String, { nullable: true, description: 'One of the recovery codes. Each is valid once.' })
  recoveryCode?: string | null

  @Field(() => PasskeyInput, {
    nullable: true,
    description:
      'A passkey or a security key. In `completeLogin`, it answers `passkeyOptions` with the ticket of `SecondFactorRequired`.',
  })
  passkey?: PasskeyInput | null
}

@InputType('CompleteLoginInput', { description: 'The second step of a sign-in.' })
export class CompleteLoginInput {
  @Field(() => String, { description: 'The ticket of `SecondFactorRequired`.' })
  ticket!: string

  @Field(() => ProofInput, { description: 'A proof by one of the listed methods.' })
  proof!: ProofInput

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Whether this device needs no second factor for `trustedDeviceDays`. Ignored unless `canTrustDevice` is true.',
  })
  trustDevice?: boolean | null
}

@InputType('StepUpInput', {
  description: 'Proofs of who you are, in addition to the recent ones of the session.',
})
export class StepUpInput {
  @Field(() => [ProofInput], {
    description:
      'One of the combinations in `extensions.accepts` of the error, without what the session proved recently.',
  })
  proofs!: ProofInput[]

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'How the new refresh token is delivered. Defaults to BODY.',
  })
  tokenTransport?: TokenTransport | null
}

@InputType('RegisterInput', { description: 'A new account.' })
export class RegisterInput extends SessionInput {
  @Field(() => String, { description: 'An email address that does not have an account yet.' })
  email!: string

  @Field(() => String, {
    description:
      '8 to 128 characters of any kind (see `authSettings`). Must not be common or based on the other fields.',
  })
  password!: string

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

@InputType('LoginInput', { description: 'An identifier and its password.' })
export class LoginInput extends RememberedSessionInput {
  @Field(() => String, { description: 'The email address or the username.' })
  identifier!: string

  @Field(() => String, { description: 'The account’s password.' })
  password!: string

  @Field(() => String, {
    nullable: true,
    description:
      'The `deviceToken` of an earlier sign-in with this app, for any account. A device that the account recognizes can sign in even when others have exhausted the attempts, and causes no new-device notice. Web pages send it in a cookie. An invalid token is ignored.',
  })
  override deviceToken?: string | null
}

@InputType('LogoutInput', { description: 'A session to end in addition to that of the access token.' })
export class LogoutInput {
  @Field(() => String, { nullable: true, description: 'Any refresh token of the session.' })
  refreshToken?: string | null
}

@InputType('ReauthenticateInput', { description: 'The current password.' })
export class ReauthenticateInput {
  @Field(() => String, { description: 'The current password.' })
  password!: string
}
