import { Arg, Authorized, Ctx, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { SigningKeyType } from './keys.types.ts'
import { rotateKeys } from './rotate-keys.ts'

@Resolver()
export class KeysResolver {
  @Authorized('keys:write')
  @Mutation(() => SigningKeyType, {
    description: withExample(
      'Creates a signing key. It is published immediately and starts signing 7 minutes later; the previous key verifies tokens until the last one has expired. Set `revoke` if a key leaked: the new key signs immediately and all other keys are removed within seconds. Existing access tokens, including yours, are then rejected, and clients refresh them.',
      'mutation RotateKey { rotateSigningKey { kid algorithm createdAt retiredAt } }',
    ),
  })
  async rotateSigningKey(
    @Ctx() { app, request, viewer }: Context,
    @Arg('revoke', () => Boolean, {
      nullable: true,
      defaultValue: false,
      description: 'Whether to revoke all other keys immediately because they may have leaked.',
    })
    revoke: boolean | null,
  ): Promise<SigningKeyType> {
    const { account } = await viewer()
    const { key } = await rotateKeys(app, request, { actorId: account.id, revoke: revoke ?? false })
    const { kid, algorithm, createdAt, retiredAt } = key
    return { kid, algorithm, createdAt, retiredAt }
  }
}
