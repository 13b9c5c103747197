import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, ObjectType } from 'type-graphql'
import { TokenTransport } from '../sessions/token-transport.ts'
import { RememberedSessionInput, SessionInput } from './session-input.types.ts'

@ObjectType('ProviderRedirect', { description: 'A sign-in with a provider that has begun.' })
export class ProviderRedirect {
  @Field(() => String, { description: 'The page of the provider. Open it in the browser.' })
  url!: string

  @Field(() => GraphQLDateTime, { description: 'When the sign-in expires.' })
  expiresAt!: Date
}

@ObjectType('ProviderNonce', { description: 'A nonce for a provider’s own sign-in on a device.' })
export class ProviderNonce {
  @Field(() => String, {
    description: 'Give it to the provider’s SDK and to `signInWithIdToken`. Valid once.',
  })
  nonce!: string

  @Field(() => GraphQLDateTime, { description: 'When it expires.' })
  expiresAt!: Date
}

@ObjectType('ProviderSignUpRequired', {
  description:
    'The identity has no account yet, and the provider gives no address that can be relied on. Ask for one and call `completeProviderSignUp`. No session has started. Whether an address has an account does not matter here, so this reveals nothing.',
})
export class ProviderSignUpRequired {
  @Field(() => String, { description: 'Continues the sign-up. Opaque, and no proof by itself.' })
  ticket!: string

  @Field(() => ID, { description: 'The provider’s ID.' })
  provider!: string

  @Field(() => String, { nullable: true, description: 'The address that the provider gave, to suggest.' })
  email!: string | null

  @Field(() => String, { nullable: true, description: 'The name that the provider gave, to suggest.' })
  displayName!: string | null

  @Field(() => GraphQLDateTime, { description: 'When the ticket expires.' })
  expiresAt!: Date
}

@ObjectType('ProviderLinkRequired', {
  description:
    'The address has an account: sign in to it, then call `linkIdentity` with the ticket. No session has started.',
})
export class ProviderLinkRequired {
  @Field(() => String, { description: 'Connects the identity. Opaque, and no proof by itself.' })
  ticket!: string

  @Field(() => ID, { description: 'The provider’s ID.' })
  provider!: string

  @Field(() => String, { description: 'The address of the account.' })
  email!: string

  @Field(() => GraphQLDateTime, { description: 'When the ticket expires.' })
  expiresAt!: Date
}

@InputType('StartProviderInput', { description: 'How to sign in with a provider.' })
export class StartProviderInput {
  @Field(() => ID, { description: 'One of `authSettings { providers { id } }`.' })
  provider!: string

  @Field(() => String, {
    description:
      'Where the browser returns, with `provider_code` or `provider_error` in its query: an address of this server, of RETURN_ORIGINS, or exactly one of NATIVE_RETURN_URLS.',
  })
  returnTo!: string

  @Field(() => String, {
    description:
      'The base64url SHA-256 of a random `codeVerifier` that the client keeps (RFC 7636, method S256).',
  })
  codeChallenge!: string

  @Field(() => String, {
    nullable: true,
    description: 'The address or the name to suggest at the provider, if it is known.',
  })
  loginHint?: string | null

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description:
      'With COOKIE, the sign-in can end only in the browser that began it. Use it for web pages. Defaults to BODY.',
  })
  tokenTransport?: TokenTransport | null
}

@InputType('CompleteProviderInput', { description: 'What the browser returned with.' })
export class CompleteProviderInput extends RememberedSessionInput {
  @Field(() => String, { description: 'The value of `provider_code=` in the address. Valid once.' })
  code!: string

  @Field(() => String, { description: 'The verifier of `codeChallenge` (RFC 7636).' })
  codeVerifier!: string
}

@InputType('IdTokenInput', {
  description: 'What an app received from a provider’s own sign-in on the device.',
})
export class IdTokenInput extends RememberedSessionInput {
  @Field(() => ID, { description: 'One of `authSettings { providers { id } }` that has `idTokens`.' })
  provider!: string

  @Field(() => String, { description: 'The ID token (OpenID Connect Core 1.0, section 2).' })
  idToken!: string

  @Field(() => String, {
    nullable: true,
    description: 'The nonce of `createProviderNonce` that the provider was given, raw or hashed.',
  })
  nonce?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'Apple’s authorization code, with which the server can later revoke its tokens.',
  })
  authorizationCode?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The person’s name, if the provider told it to the app only, as Apple does once.',
  })
  displayName?: string | null
}

@InputType('CompleteSignUpInput', { description: 'The account to create for an identity.' })
export class CompleteSignUpInput extends SessionInput {
  @Field(() => String, { description: 'The ticket of `ProviderSignUpRequired`.' })
  ticket!: string

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

@InputType('LinkIdentityInput', { description: 'An identity to connect to the signed-in account.' })
export class LinkIdentityInput {
  @Field(() => String, { description: 'The ticket of `ProviderLinkRequired` or `ProviderSignUpRequired`.' })
  ticket!: string
}
