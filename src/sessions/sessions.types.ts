import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import type { Session } from '../generated/prisma/client.ts'

@ObjectType('Session', {
  description:
    'A sign-in on one device, from the password to signing out. Seen by whoever may see its user’s.',
})
export class SessionType {
  @Field(() => ID, { description: 'A UUID; the `sid` of its access tokens.' })
  id!: string

  @Field(() => Boolean, { description: 'Whether this is the session of the request.' })
  current!: boolean

  @Field(() => GraphQLDateTime, { description: 'When the user signed in.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, { description: 'When it was last used, to the minute.' })
  lastUsedAt!: Date

  @Field(() => GraphQLDateTime, { description: 'When it ends if it is not refreshed before.' })
  expiresAt!: Date

  @Field(() => GraphQLDateTime, { description: 'When the password was last proved in it.' })
  authenticatedAt!: Date

  @Field(() => String, { nullable: true, description: 'The address it was last refreshed from.' })
  ipAddress!: string | null

  @Field(() => String, { nullable: true, description: 'The User-Agent it was last refreshed with.' })
  userAgent!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'What the client called itself, or what its user agent says, such as Firefox on Linux.',
  })
  deviceName!: string | null

  @Field(() => GraphQLDateTime, { nullable: true, description: 'When it was ended; null while it is live.' })
  revokedAt!: Date | null
}

/** What the API shows of a session to the viewer whose own is `currentId`. */
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

@ObjectType('AuthPayload', { description: 'A signed-in session and its tokens.' })
export class AuthPayload {
  @Field(() => String, { description: 'A JWT (RFC 9068) for the header `Authorization: Bearer …`.' })
  accessToken!: string

  @Field(() => String, { description: 'Always Bearer.' })
  tokenType!: string

  @Field(() => GraphQLDateTime, { description: 'When the access token expires; refresh before.' })
  accessTokenExpiresAt!: Date

  @Field(() => String, {
    nullable: true,
    description: 'Valid for one `refreshToken`; null when the cookie carries it. Opaque: do not parse it.',
  })
  refreshToken!: string | null

  @Field(() => GraphQLDateTime, { description: 'When the refresh token expires unless it is used.' })
  refreshTokenExpiresAt!: Date

  @Field(() => String, {
    nullable: true,
    description:
      'Identifies this app at its next sign-in: keep it, also after signing out, and send it with `login`. It stays the same for all accounts. Null in the answer to `refreshToken`, and where a cookie carries it.',
  })
  deviceToken!: string | null

  @Field(() => SessionType, { description: 'The session that the tokens belong to.' })
  session!: SessionType

  @Field(() => UserType, { description: 'Who is signed in.' })
  user!: UserType
}

@InputType('RefreshTokenInput', { description: 'Leave it out where the cookie carries the refresh token.' })
export class RefreshTokenInput {
  @Field(() => String, { nullable: true, description: 'The newest refresh token of the session.' })
  refreshToken?: string | null

  @Field(() => Int, {
    nullable: true,
    description: 'A longer life for this one access token, in seconds; capped by ACCESS_TOKEN_MAX_TTL.',
  })
  accessTokenTtlSeconds?: number | null
}
