import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ObjectType } from 'type-graphql'

@ObjectType('SigningKey', { description: 'A key that signs access tokens; its public half is in the JWKS.' })
export class SigningKeyType {
  @Field(() => String, { description: 'Names the key in tokens and in the JWKS.' })
  kid!: string

  @Field(() => String, { description: 'Such as ES256.' })
  algorithm!: string

  @Field(() => GraphQLDateTime, { description: 'When it was made and published.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description:
      'When it stops to sign; it verifies on until its last token has expired. Null for the newest.',
  })
  retiredAt!: Date | null
}
