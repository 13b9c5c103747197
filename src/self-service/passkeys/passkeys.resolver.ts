import { Arg, Authorized, Ctx, Extensions, ID, Mutation, Resolver } from 'type-graphql'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { PasskeyCeremony, PasskeyType, toPasskey } from '../../credentials/passkey/passkey.types.ts'
import { withExample } from '../../example.ts'
import { FOR_WEAK_SESSIONS } from '../../sessions/assurance.ts'
import { FactorAdded } from '../factors/factors.types.ts'
import { addPasskey } from './add-passkey.ts'
import { beginPasskey, beginPasskeyProof } from './begin-passkey.ts'
import { removePasskey, renamePasskey } from './manage-passkeys.ts'
import { AddPasskeyInput, BeginPasskeyInput } from './passkeys.types.ts'
import { removePassword } from './remove-password.ts'

@Resolver()
export class PasskeysResolver {
  @Extensions({ sensitive: true, ...FOR_WEAK_SESSIONS })
  @Mutation(() => PasskeyCeremony, {
    description: withExample(
      'Begins to add a passkey or a security key. The first factor of an account requires a recent sign-in and a code from `sendEmailCode`; a further one requires what a full sign-in takes.',
      'mutation BeginPasskey($emailCode: String) { beginPasskey(input: { emailCode: $emailCode }) { ticket options expiresAt } }',
    ),
  })
  beginPasskey(
    @Ctx() context: Context,
    @Arg('input', () => BeginPasskeyInput, {
      nullable: true,
      description: 'Omit it to add a passkey to your account.',
    })
    input?: BeginPasskeyInput | null,
  ): Promise<PasskeyCeremony> {
    return beginPasskey(context, input)
  }

  @Extensions({ sensitive: true, ...FOR_WEAK_SESSIONS })
  @Mutation(() => FactorAdded, {
    description: withExample(
      'Adds the passkey or the security key that the browser created. The password works as before. The first factor comes with recovery codes.',
      'mutation AddPasskey($passkey: PasskeyInput!) { addPasskey(input: { passkey: $passkey, name: "Ada’s phone" }) { auth { accessToken refreshToken session { id strength } user { id passkeys { id name credentialId discoverable synced provider createdAt lastUsedAt } passkeyUserHandle } } recoveryCodes } }',
    ),
  })
  addPasskey(
    @Ctx() context: Context,
    @Arg('input', () => AddPasskeyInput, { description: 'The browser’s answer, and a name for the passkey.' })
    input: AddPasskeyInput,
  ): Promise<FactorAdded> {
    return addPasskey(context, input)
  }

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
      'Removes one of your passkeys or security keys. Requires what a full sign-in takes, and ends your other sessions. Fails with CONFLICT for your last way to sign in, and for the last second factor if your account requires one.',
      'mutation RemovePasskey($id: ID!) { removePasskey(id: $id) { id passkeys { id } } }',
    ),
  })
  async removePasskey(
    @Ctx() { app, request, viewer }: Context,
    @Arg('id', () => ID, { description: 'The passkey’s ID.' }) id: string,
  ): Promise<UserType> {
    return toUser(await removePasskey(app, id, await viewer(), request))
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => UserType, {
    description: withExample(
      'Removes your password. Requires what a full sign-in takes, and ends your other sessions. Fails with CONFLICT if it is your only way to sign in.',
      'mutation RemovePassword { removePassword { id hasPassword passkeys { id name credentialId discoverable synced provider createdAt lastUsedAt } passkeyUserHandle } }',
    ),
  })
  async removePassword(@Ctx() { app, request, viewer }: Context): Promise<UserType> {
    return toUser(await removePassword(app, await viewer(), request))
  }
}
