import { Authorized, Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { PasskeyType, toPasskey } from '../../credentials/passkey/passkey.types.ts'
import { passkeysOf } from '../../credentials/passkey/stored.ts'
import { userHandleOf } from '../../credentials/passkey/user-handle.ts'

@Resolver(() => UserType)
export class UserPasskeysResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => [PasskeyType], {
    description: 'The passkeys and security keys, the oldest first; at most 50.',
  })
  async passkeys(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<PasskeyType[]> {
    return (await passkeysOf(app.db, id)).map(toPasskey)
  }

  @Authorized('self')
  @FieldResolver(() => String, {
    description:
      'The user handle of the passkeys in base64url, with which browsers signal changes to authenticators. Random, and the same for all of them.',
  })
  async passkeyUserHandle(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<string> {
    return Buffer.from(await userHandleOf(app, id)).toString('base64url')
  }
}
