import { Arg, Authorized, Ctx, ID, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { callerOf } from '../administer.ts'
import { providerToken } from './provider-token.ts'
import { ProviderTokenType } from './provider-token.types.ts'

@Resolver()
export class ProviderTokenResolver {
  @Authorized('identities:tokens')
  @Query(() => ProviderTokenType, {
    description: withExample(
      'Returns an access token for a provider’s API, refreshed if it is about to expire. Only for providers with KEEP_TOKENS=on. Each call is in the audit log.',
      'query ProviderToken($id: ID!) { providerToken(userId: $id, provider: "google") { accessToken expiresAt scopes } }',
    ),
  })
  async providerToken(
    @Ctx() context: Context,
    @Arg('userId', () => ID, { description: 'The account.' }) userId: string,
    @Arg('provider', () => ID, { description: 'The provider’s ID in the server’s settings.' })
    provider: string,
  ): Promise<ProviderTokenType> {
    const caller = await callerOf(context, 'providerToken')
    const { accessToken, expiresAt, scopes } = await providerToken(context.app, { userId, provider }, caller)
    return { accessToken, expiresAt, scopes: [...scopes] }
  }
}
