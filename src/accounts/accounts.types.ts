import { GraphQLDateTime, GraphQLJSONObject } from 'graphql-scalars'
import { Authorized, Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import type { Account } from '../context.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { waitingSince } from './invited.ts'

type JsonValue = Prisma.JsonValue

@ObjectType('User', {
  description:
    'An account. Its names are visible to everyone who can see the account. Only the owner and holders of `users:read` see the other fields.',
})
export class UserType {
  @Field(() => ID, { description: 'A UUID that never changes.' })
  id!: string

  /** Who acts as the account, in the answer that starts it. */
  impersonator?: Account

  @Authorized('self', 'users:read')
  @Field(() => String, {
    description: 'The email address that the server sends emails to, as the owner typed it, in Unicode NFKC.',
  })
  email!: string

  @Authorized('self', 'users:read')
  @Field(() => Boolean, { description: 'Whether the owner has proven control of the address.' })
  emailVerified!: boolean

  @Field(() => String, { nullable: true, description: 'A unique name to sign in with, in lowercase.' })
  username!: string | null

  @Field(() => String, { nullable: true, description: 'The name to show to people, in any script.' })
  displayName!: string | null

  @Authorized('self', 'users:read')
  @Field(() => String, { description: 'The language of emails and pages, as a BCP 47 tag.' })
  locale!: string

  @Authorized('self', 'users:read')
  @Field(() => [String], { description: 'The names of the account’s roles.' })
  roles!: readonly string[]

  @Authorized('self', 'users:read')
  @Field(() => [String], { description: 'The permissions that the roles grant, without duplicates.' })
  permissions!: readonly string[]

  @Authorized('self', 'users:read')
  @Field(() => GraphQLJSONObject, {
    description: 'Data defined by the application. The owner can change it with `updateProfile`.',
  })
  publicMetadata!: JsonValue

  @Authorized('users:read')
  @Field(() => GraphQLJSONObject, {
    description: 'Data defined by the application. Only administrators see and change it.',
  })
  privateMetadata!: JsonValue

  @Field(() => GraphQLDateTime, { description: 'When the account was created.' })
  createdAt!: Date

  @Authorized('self', 'users:read')
  @Field(() => GraphQLDateTime, { description: 'When the account last changed.' })
  updatedAt!: Date

  @Authorized('self', 'users:read')
  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When the account last signed in.',
  })
  lastLoginAt!: Date | null

  @Authorized('self', 'users:read')
  @Field(() => GraphQLDateTime, { nullable: true, description: 'When the password was last set.' })
  passwordChangedAt!: Date | null

  @Authorized('self', 'users:read')
  @Field(() => Boolean, { description: 'Whether the account has a password.' })
  hasPassword!: boolean

  @Authorized('users:read')
  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When the account was disabled; null if it is enabled.',
  })
  disabledAt!: Date | null

  @Authorized('users:read')
  @Field(() => String, {
    nullable: true,
    description:
      'Why the account was disabled, as the administrator wrote it; null if it is enabled or no reason was given.',
  })
  disabledReason!: string | null

  @Authorized('users:read')
  @Field(() => GraphQLDateTime, {
    nullable: true,
    description:
      'When the latest invitation was sent; null if the account was not invited, or once its owner has set a password or signed in.',
  })
  invitedAt!: Date | null
}

/** The account as the API shows it. A new column is hidden until it is listed here. */
export function toUser(account: Account): UserType {
  return Object.assign(new UserType(), {
    id: account.id,
    email: account.email,
    emailVerified: account.emailVerifiedAt !== null,
    hasPassword: account.passwordHash !== null,
    username: account.username,
    displayName: account.displayName,
    locale: account.locale,
    roles: account.roles,
    permissions: account.permissions,
    publicMetadata: account.publicMetadata,
    privateMetadata: account.privateMetadata,
    createdAt: account.createdAt,
    updatedAt: account.updatedAt,
    lastLoginAt: account.lastLoginAt,
    passwordChangedAt: account.passwordChangedAt,
    disabledAt: account.disabledAt,
    disabledReason: account.disabledReason,
    invitedAt: waitingSince(account),
  })
}

@InputType('UpdateProfileInput', {
  description:
    'The fields to change. Omitted fields keep their values; null clears the display name or the username.',
})
export class UpdateProfileInput {
  @Field(() => String, { nullable: true, description: 'At most 100 characters, on one line.' })
  displayName?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      '3 to 32 characters from a-z, 0-9, _, . and -. Uppercase letters are converted to lowercase.',
  })
  username?: string | null

  @Field(() => String, { nullable: true, description: 'A BCP 47 tag such as en or ko.' })
  locale?: string | null

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: 'Replaces all of the public metadata. At most 8 KiB of JSON, 8 levels deep.',
  })
  publicMetadata?: Record<string, unknown> | null
}

@InputType('VerifyEmailInput', { description: 'The token from the emailed link.' })
export class VerifyEmailInput {
  @Field(() => String, { description: 'The value of `token=` in the link.' })
  token!: string

  @Field(() => String, {
    nullable: true,
    description:
      'The ticket of the `ProviderSignUpRequired` that this client registered with, if it did. Connects the identity to the account that the link creates.',
  })
  ticket?: string | null
}

@InputType('ResendVerificationEmailInput', { description: 'The address to send another link to.' })
export class ResendVerificationEmailInput {
  @Field(() => String, { description: 'The address that was registered.' })
  email!: string
}

@ObjectType('Provider', { description: 'A provider that people can sign in with.' })
export class OfferedProvider {
  @Field(() => ID, { description: 'Its ID in the server’s settings.' })
  id!: string

  @Field(() => String, {
    description:
      'The kind of service, which decides the look of its button: such as `google`, or `oidc` for any OpenID Connect provider.',
  })
  type!: string

  @Field(() => String, { description: 'The name to show.' })
  name!: string

  @Field(() => String, {
    description: 'The client ID of this server at the provider, for a provider’s own sign-in in an app.',
  })
  clientId!: string

  @Field(() => Boolean, { description: 'Whether `signInWithIdToken` accepts its ID tokens.' })
  idTokens!: boolean
}

@ObjectType('AuthSettings', {
  description: 'The server’s settings for signing up and signing in, for building forms.',
})
export class AuthSettingsType {
  @Field(() => Boolean, { description: 'Whether `register` accepts new accounts.' })
  registrationOpen!: boolean

  @Field(() => Boolean, { description: 'Whether an address must be verified before signing in.' })
  emailVerificationRequired!: boolean

  @Field(() => Int, { description: 'The minimum length of a password, in characters (code points).' })
  passwordMinLength!: number

  @Field(() => Int, { description: 'The maximum length of a password, in characters (code points).' })
  passwordMaxLength!: number

  @Field(() => Boolean, { description: 'Whether people can sign in with passkeys.' })
  passkeys!: boolean

  @Field(() => String, {
    description: 'The domain that passkeys are bound to, for signaling changes to authenticators.',
  })
  passkeyRpId!: string

  @Field(() => Boolean, { description: 'Whether people can sign in with a code or a link in an email.' })
  emailLogin!: boolean

  @Field(() => [OfferedProvider], {
    description: 'The providers that people can sign in with, in the order of the buttons.',
  })
  providers!: OfferedProvider[]

  @Field(() => Int, {
    description:
      'For how many days a trusted device needs no second factor, rounded up. 0 if no device can be trusted.',
  })
  trustedDeviceDays!: number

  @Field(() => [String], { description: 'The languages of emails and pages, the default first.' })
  locales!: string[]
}
