import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import type { Session } from '../generated/prisma/client.ts'

@ObjectType('Session', {
  description:
    'A sign-in on one device, from entering the password to signing out. Visible to the account’s owner, and to callers with `users:read`.',
})
export class SessionType {
  @Field(() => ID, { description: 'A UUID; the `sid` claim of its access tokens.' })
  id!: string

  @Field(() => Boolean, { description: 'Whether this session made the request.' })
  current!: boolean

  @Field(() => GraphQLDateTime, { description: 'When the user signed in.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, { description: 'When the session was last used, accurate to a minute.' })
  lastUsedAt!: Date

  @Field(() => GraphQLDateTime, { description: 'When the session ends unless it is refreshed first.' })
  expiresAt!: Date

  @Field(() => GraphQLDateTime, { description: 'When the user last entered the password in this session.' })
  authenticatedAt!: Date

  @Field(() => String, { nullable: true, description: 'The IP address that last refreshed the session.' })
  ipAddress!: string | null

  @Field(() => String, { nullable: true, description: 'The `User-Agent` header of the last refresh.' })
  userAgent!: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The name that the client sent, or one derived from its user agent, such as Firefox on Linux.',
  })
  deviceName!: string | null

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When the session was revoked; null if it was not.',
  })
  revokedAt!: Date | null
}

/** The session as the API shows it. `currentId` is the session that made the request. */
export function toSession(session: Session, currentId: string | undefined): SessionType {
  const {
    id,
    createdAt,
    lastUsedAt,
    expiresAt,
    authenticatedAt,
    ipAddress,
    userAgent,
    deviceName,
    revokedAt,
  } = session
  return {
    id,
    current: id === currentId,
    createdAt,
    lastUsedAt,
    expiresAt,
    authenticatedAt,
    ipAddress,
    userAgent,
    deviceName,
    revokedAt,
  }
}

@ObjectType('AuthPayload', { description: 'A session and its tokens.' })
export class AuthPayload {
  @Field(() => String, { description: 'A JWT (RFC 9068). Send it in the header `Authorization: Bearer …`.' })
  accessToken!: string

  @Field(() => String, { description: 'Always `Bearer`.' })
  tokenType!: string

  @Field(() => GraphQLDateTime, { description: 'When the access token expires. Refresh it before then.' })
  accessTokenExpiresAt!: Date

  @Field(() => String, {
    nullable: true,
    description: 'Valid for one call of `refreshToken`. Null if it is in a cookie. Opaque: do not parse it.',
  })
  refreshToken!: string | null

  @Field(() => GraphQLDateTime, { description: 'When the refresh token expires unless it is used first.' })
  refreshTokenExpiresAt!: Date

  @Field(() => String, {
    nullable: true,
    description:
      'Identifies this app at its next sign-in. Store it, keep it after signing out, and send it with `login`. It is the same for all accounts. Null in the response to `refreshToken`, and if it is in a cookie.',
  })
  deviceToken!: string | null

  @Field(() => SessionType, { description: 'The session of the tokens.' })
  session!: SessionType

  @Field(() => UserType, { description: 'The account that is signed in.' })
  user!: UserType
}

@InputType('RefreshTokenInput', { description: 'Omit if the refresh token is in a cookie.' })
export class RefreshTokenInput {
  @Field(() => String, { nullable: true, description: 'The latest refresh token of the session.' })
  refreshToken?: string | null

  @Field(() => Int, {
    nullable: true,
    description: 'The lifetime of this access token, in seconds; capped by ACCESS_TOKEN_MAX_TTL.',
  })
  accessTokenTtlSeconds?: number | null
}
