import { Authorized, Ctx, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { SigningKeyType } from './keys.types.ts'
import { rotateKeys } from './rotate-keys.ts'

@Resolver()
export class KeysResolver {
  @Authorized('keys:write')
  @Mutation(() => SigningKeyType, {
    description: withExample(
      'Makes a new signing key. It is published at once, signs 7 minutes later, and the one before verifies on until its last token has expired.',
      'mutation RotateKey { rotateSigningKey { kid algorithm createdAt retiredAt } }',
    ),
  })
  async rotateSigningKey(@Ctx() { app, request, viewer }: Context): Promise<SigningKeyType> {
    const { account } = await viewer()
    const { kid, algorithm, createdAt, retiredAt } = await rotateKeys(app, request, account.id)
    return { kid, algorithm, createdAt, retiredAt }
  }
}
