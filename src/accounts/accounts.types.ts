import { GraphQLDateTime, GraphQLJSONObject } from 'graphql-scalars'
import { Authorized, Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import type { Account } from '../context.ts'
import type { Prisma } from '../generated/prisma/client.ts'

type JsonValue = Prisma.JsonValue

@ObjectType('User', {
  description:
    'An account. Whoever may see it sees its names; the rest only the account’s owner and holders of `users:read`.',
})
export class UserType {
  @Field(() => ID, { description: 'A UUID that never changes.' })
  id!: string

  @Authorized('self', 'users:read')
  @Field(() => String, {
    description: 'The email address that the server writes to: as its owner typed it, in Unicode NFKC.',
  })
  email!: string

  @Authorized('self', 'users:read')
  @Field(() => Boolean, { description: 'Whether the owner has shown that the address is theirs.' })
  emailVerified!: boolean

  @Field(() => String, { nullable: true, description: 'A name to sign in with, unique and in lower case.' })
  username!: string | null

  @Field(() => String, { nullable: true, description: 'The name to greet with, in any script.' })
  displayName!: string | null

  @Authorized('self', 'users:read')
  @Field(() => String, { description: 'The language of mails and pages, as a BCP 47 tag.' })
  locale!: string

  @Authorized('self', 'users:read')
  @Field(() => [String], { description: 'The names of the roles the account has.' })
  roles!: readonly string[]

  @Authorized('self', 'users:read')
  @Field(() => [String], { description: 'Everything that those roles allow, without repeats.' })
  permissions!: readonly string[]

  @Authorized('self', 'users:read')
  @Field(() => GraphQLJSONObject, {
    description: 'Data of the application’s own, which the owner may change with `updateProfile`.',
  })
  publicMetadata!: JsonValue

  @Authorized('users:read')
  @Field(() => GraphQLJSONObject, {
    description: 'Data of the application’s own, which only administration sees and changes.',
  })
  privateMetadata!: JsonValue

  @Field(() => GraphQLDateTime, { description: 'When the account was made.' })
  createdAt!: Date

  @Authorized('self', 'users:read')
  @Field(() => GraphQLDateTime, { description: 'When the account last changed.' })
  updatedAt!: Date

  @Authorized('self', 'users:read')
  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When the password was last proved to sign in.',
  })
  lastLoginAt!: Date | null

  @Authorized('self', 'users:read')
  @Field(() => GraphQLDateTime, { nullable: true, description: 'When the password was last set.' })
  passwordChangedAt!: Date | null

  @Authorized('users:read')
  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'Since when the account is disabled; null while it is not.',
  })
  disabledAt!: Date | null
}

/** What the API shows of an account; the password hash and the canonical address stay behind. */
export function toUser(account: Account): UserType {
  const { passwordHash, emailCanonical, emailVerifiedAt, ...shown } = account
  return Object.assign(new UserType(), shown, { emailVerified: emailVerifiedAt !== null })
}

@InputType('UpdateProfileInput', {
  description: 'What to change. A field left out stays; null clears the display name or the username.',
})
export class UpdateProfileInput {
  @Field(() => String, { nullable: true, description: 'At most 100 characters, on one line.' })
  displayName?: string | null

  @Field(() => String, {
    nullable: true,
    description: '3 to 32 of a-z, 0-9, _, . and -; upper case becomes lower case.',
  })
  username?: string | null

  @Field(() => String, { nullable: true, description: 'A BCP 47 tag such as en or ko.' })
  locale?: string | null

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: 'Replaces the public metadata as a whole: at most 8 KiB of JSON, 8 levels deep.',
  })
  publicMetadata?: Record<string, unknown> | null
}

@InputType('VerifyEmailInput', { description: 'The token from the link of a mail.' })
export class VerifyEmailInput {
  @Field(() => String, { description: 'What follows `token=` in the link.' })
  token!: string
}

@InputType('ResendVerificationEmailInput', { description: 'Where to send another link.' })
export class ResendVerificationEmailInput {
  @Field(() => String, { description: 'The address that was registered.' })
  email!: string
}

@ObjectType('AuthSettings', {
  description: 'What this server allows, for a client to build its forms from.',
})
export class AuthSettingsType {
  @Field(() => Boolean, { description: 'Whether `register` takes new accounts.' })
  registrationOpen!: boolean

  @Field(() => Boolean, { description: 'Whether an address must be verified before signing in.' })
  emailVerificationRequired!: boolean

  @Field(() => Int, { description: 'The fewest characters (code points) of a password.' })
  passwordMinLength!: number

  @Field(() => Int, { description: 'The most characters (code points) of a password.' })
  passwordMaxLength!: number

  @Field(() => [String], { description: 'The languages of mails and pages, the default first.' })
  locales!: string[]
}
