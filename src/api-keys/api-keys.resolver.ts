import { Arg, Authorized, Ctx, Extensions, FieldResolver, ID, Mutation, Resolver, Root } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { countListed } from '../sessions/user-sessions.resolver.ts'
import { ApiKeyCreated, ApiKeyInput, ApiKeyType, toApiKey } from './api-keys.types.ts'
import { createApiKey } from './create-api-key.ts'
import { deleteApiKey } from './end-api-keys.ts'
import { apiKeysOf } from './list-api-keys.ts'

@Resolver(() => UserType)
export class ApiKeysResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => [ApiKeyType], { description: 'The API keys, the newest first.' })
  async apiKeys(@Root() { id }: UserType, @Ctx() context: Context): Promise<ApiKeyType[]> {
    const keys = await apiKeysOf(context.app, id)
    countListed(context, keys.length)
    return keys.map(toApiKey)
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => ApiKeyCreated, {
    description: withExample(
      'Creates an API key, with which a program acts as you, and notifies you by email. Requires a recent sign-in and a verified address.',
      'mutation CreateApiKey { createApiKey(input: { name: "Nightly report", permissions: ["users:read"], expiresAt: "2099-01-01T00:00:00Z" }) { secret apiKey { id name prefix permissions createdAt expiresAt lastUsedAt } } }',
    ),
  })
  async createApiKey(
    @Ctx() { app, request, viewer }: Context,
    @Arg('input', () => ApiKeyInput, { description: 'The key.' }) input: ApiKeyInput,
  ): Promise<ApiKeyCreated> {
    const { apiKey, secret } = await createApiKey(app, input, await viewer(), request)
    return { apiKey: toApiKey(apiKey), secret }
  }

  @Authorized()
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes one of your API keys, which stops working immediately.',
      'mutation DeleteApiKey($id: ID!) { deleteApiKey(id: $id) }',
    ),
  })
  async deleteApiKey(
    @Ctx() { app, request, viewer }: Context,
    @Arg('id', () => ID, { description: 'The key’s ID.' }) id: string,
  ): Promise<boolean> {
    await deleteApiKey(app, id, await viewer(), request)
    return true
  }
}
