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
      'Creates a new signing key. It is published immediately and signs 7 minutes later; the one before verifies until its last token has expired. With `revoke`, for a key that leaked, the new one signs immediately and every other is gone within seconds: access tokens in circulation are refused, yours included, and clients refresh.',
      'mutation RotateKey { rotateSigningKey { kid algorithm createdAt retiredAt } }',
    ),
  })
  async rotateSigningKey(
    @Ctx() { app, request, viewer }: Context,
    @Arg('revoke', () => Boolean, {
      nullable: true,
      defaultValue: false,
      description: 'Whether the other keys may have leaked and must end immediately.',
    })
    revoke: boolean | null,
  ): Promise<SigningKeyType> {
    const { account } = await viewer()
    const { key } = await rotateKeys(app, request, { actorId: account.id, revoke: revoke ?? false })
    const { kid, algorithm, createdAt, retiredAt } = key
    return { kid, algorithm, createdAt, retiredAt }
  }
}
