import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import { type AuthMethod, authMethods } from '../credentials/proof.ts'
import type { Session } from '../generated/prisma/client.ts'
import { type AuthStrength, assuranceOf, authStrengths, methodsOf } from './strength.ts'

registerEnumType(authMethods, {
  name: 'AuthMethod',
  description: 'How a person proves who they are.',
  valuesConfig: {
    PASSWORD: { description: 'The account’s password.' },
    EMAIL: { description: 'A code or a link in an email.' },
    PASSKEY: { description: 'A passkey that verified the person, with a fingerprint or a PIN, for example.' },
    SECURITY_KEY: { description: 'A security key or a passkey that did not verify the person.' },
    TOTP: { description: 'A code of an authenticator app (RFC 6238).' },
    RECOVERY_CODE: { description: 'A recovery code.' },
    PROVIDER: { description: 'A sign-in with a provider, such as Google.' },
  },
})

registerEnumType(authStrengths, {
  name: 'AuthStrength',
  description: 'How strongly a session has proved who uses it, the weakest first.',
  valuesConfig: {
    SINGLE: {
      description:
        'A password, an emailed code, a sign-in with a provider, or several of them. `acr` is `1fa`.',
    },
    MULTI: {
      description:
        'A password, an emailed code or a sign-in with a provider, and an authenticator app or a recovery code. `acr` is `mfa`.',
    },
    PHISHING_RESISTANT: {
      description:
        'A passkey; or a password, an emailed code or a sign-in with a provider, and a security key. `acr` is `phr`.',
    },
  },
})

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

  @Field(() => GraphQLDateTime, {
    description: 'When the user last signed in or proved it again in this session.',
  })
  authenticatedAt!: Date

  @Field(() => authStrengths, { description: 'How strongly the session has proved who uses it.' })
  strength!: AuthStrength

  @Field(() => [authMethods], { description: 'The methods that were proved in the session.' })
  methods!: AuthMethod[]

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

  @Field(() => Boolean, {
    description: 'Whether an administrator acts as the user in this session: see `impersonateUser`.',
  })
  impersonated!: boolean

  @Field(() => Boolean, {
    description:
      'Whether the session is bound to a key that its device keeps, so that a copy of its refresh token is useless (RFC 9449).',
  })
  boundToKey!: boolean
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
    actorSessionId,
    keyThumbprint,
  } = session
  return {
    id,
    current: id === currentId,
    createdAt,
    lastUsedAt,
    expiresAt,
    authenticatedAt,
    strength: assuranceOf(session).strength,
    methods: methodsOf(session),
    ipAddress,
    userAgent,
    deviceName,
    revokedAt,
    impersonated: actorSessionId !== null,
    boundToKey: keyThumbprint !== null,
  }
}

@ObjectType('AuthPayload', { description: 'A session and its tokens.' })
export class AuthPayload {
  @Field(() => String, {
    description: 'A JWT (RFC 9068). Send it in the header `Authorization`, after `tokenType`.',
  })
  accessToken!: string

  @Field(() => String, {
    description:
      '`Bearer`. With DPOP=full, `DPoP` if the session is bound to a key: send the token with a proof (RFC 9449, section 7).',
  })
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
