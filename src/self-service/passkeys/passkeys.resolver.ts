import { Arg, Authorized, Ctx, Extensions, ID, Mutation, Resolver } from 'type-graphql'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { PasskeyCeremony, PasskeyType, toPasskey } from '../../credentials/passkey/passkey.types.ts'
import { withExample } from '../../example.ts'
import { FOR_WEAK_SESSIONS } from '../../sessions/assurance.ts'
import { beginPasskeyProof } from './begin-passkey-proof.ts'
import { removePassword } from './remove-password.ts'
import { renamePasskey } from './rename-passkey.ts'

@Resolver()
export class PasskeysResolver {
  @Authorized()
  @Extensions({ ...FOR_WEAK_SESSIONS })
  @Mutation(() => PasskeyCeremony, {
    description: withExample(
      'Begins to prove your identity again with a passkey or a security key. Send the browser’s answer to `stepUp`.',
      'mutation BeginPasskeyProof { beginPasskeyProof { ticket options expiresAt } }',
    ),
  })
  async beginPasskeyProof(@Ctx() { app, viewer }: Context): Promise<PasskeyCeremony> {
    return beginPasskeyProof(app, await viewer())
  }

  @Authorized()
  @Mutation(() => PasskeyType, {
    description: withExample(
      'Renames one of your passkeys or security keys.',
      'mutation RenamePasskey($id: ID!) { renamePasskey(id: $id, name: "Work laptop") { id name } }',
    ),
  })
  async renamePasskey(
    @Ctx() { app, request, viewer }: Context,
    @Arg('id', () => ID, { description: 'The passkey’s ID.' }) id: string,
    @Arg('name', () => String, { description: 'At most 100 characters, on one line.' }) name: string,
  ): Promise<PasskeyType> {
    return toPasskey(await renamePasskey(app, id, name, await viewer(), request))
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => UserType, {
    description: withExample(
      'Removes your password, so that you sign in with passkeys only. Requires a passkey and what a full sign-in takes, and ends your other sessions.',
      'mutation RemovePassword { removePassword { id passwordChangedAt passkeys { id name credentialId discoverable synced provider createdAt lastUsedAt } passkeyUserHandle } }',
    ),
  })
  async removePassword(@Ctx() { app, request, viewer }: Context): Promise<UserType> {
    return toUser(await removePassword(app, await viewer(), request))
  }
}
