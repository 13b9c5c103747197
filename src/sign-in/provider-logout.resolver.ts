import { Arg, Authorized, Ctx, Query, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { providerLogoutUrl } from './provider-logout-url.ts'

@Resolver()
export class ProviderLogoutResolver {
  @Authorized()
  @Query(() => String, {
    nullable: true,
    description: withExample(
      'Returns the address at which the browser signs out of the provider that started this session. Ask before `logout`, and open it afterwards. Null if no provider started the session, or the provider has no such page.',
      'query ProviderLogoutUrl { providerLogoutUrl(returnTo: "http://localhost:4000/sign-in") }',
    ),
  })
  async providerLogoutUrl(
    @Ctx() { app, viewer }: Context,
    @Arg('returnTo', () => String, {
      description:
        'Where the provider sends the browser afterwards: an address as for `startProviderSignIn`. Register it at the provider.',
    })
    returnTo: string,
  ): Promise<string | null> {
    return providerLogoutUrl(app, returnTo, await viewer())
  }
}
