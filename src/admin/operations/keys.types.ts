import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ObjectType } from 'type-graphql'

@ObjectType('SigningKey', { description: 'A key that signs access tokens. Its public half is in the JWKS.' })
export class SigningKeyType {
  @Field(() => String, { description: 'The key ID in tokens and in the JWKS.' })
  kid!: string

  @Field(() => String, { description: 'The signing algorithm, such as ES256.' })
  algorithm!: string

  @Field(() => GraphQLDateTime, { description: 'The time the key was created and published.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description:
      'The time the key stops signing. It verifies tokens until the last one has expired. Null for the newest key.',
  })
  retiredAt!: Date | null
}
