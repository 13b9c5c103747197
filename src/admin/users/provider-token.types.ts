import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ObjectType } from 'type-graphql'

@ObjectType('ProviderToken', { description: 'An access token that a provider issued for an account.' })
export class ProviderTokenType {
  @Field(() => String, { description: 'The access token. Keep it on your server.' })
  accessToken!: string

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When it expires. Null if the provider does not say.',
  })
  expiresAt!: Date | null

  @Field(() => [String], { description: 'What it allows at the provider.' })
  scopes!: string[]
}
