import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType } from 'type-graphql'
import type { Identity } from '../generated/prisma/client.ts'

@ObjectType('Identity', {
  description:
    'A person’s account at a provider, such as Google, that signs in to their account here. Only the owner and holders of `users:read` see it.',
})
export class IdentityType {
  @Field(() => ID, { description: 'A UUID.' })
  id!: string

  @Field(() => ID, { description: 'The provider’s ID in the server’s settings.' })
  provider!: string

  @Field(() => String, { nullable: true, description: 'The name at the provider at the latest sign-in.' })
  displayName!: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The address at the provider at the latest sign-in. It can differ from the account’s address, and it neither signs in nor receives emails.',
  })
  email!: string | null

  @Field(() => GraphQLDateTime, { description: 'When it was connected.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, { description: 'When it last signed in.' })
  lastUsedAt!: Date
}

/** The identity as the API shows it, without the subject and the provider’s tokens. */
export function toIdentity({
  id,
  provider,
  displayName,
  email,
  createdAt,
  lastUsedAt,
}: Identity): IdentityType {
  return Object.assign(new IdentityType(), { id, provider, displayName, email, createdAt, lastUsedAt })
}
