import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import type { Context } from '../../context.ts'
import { AuthPayload } from '../../sessions/sessions.types.ts'
import { signedInOf } from '../../sessions/token-transport.ts'
import { passkeySuggestionOf } from './automatic-passkey.ts'
import { PasskeySuggestion } from './passkeys.types.ts'

@Resolver(() => AuthPayload)
export class PasskeySuggestionResolver {
  @FieldResolver(() => PasskeySuggestion, {
    description: 'Whether to suggest a passkey after this sign-in. NONE in the response to `refreshToken`.',
  })
  async passkeySuggestion(@Root() payload: AuthPayload, @Ctx() { app }: Context): Promise<PasskeySuggestion> {
    const signedIn = signedInOf(payload)
    return signedIn ? passkeySuggestionOf(app, signedIn.session, signedIn.device) : 'NONE'
  }
}
