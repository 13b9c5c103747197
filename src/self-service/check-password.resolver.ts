import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { checkPassword } from './check-password.ts'
import { CheckPasswordInput, PasswordCheck } from './check-password.types.ts'

@Resolver()
export class CheckPasswordResolver {
  // A mutation, because queries can be sent with GET, and then proxies would log the password.
  @Extensions({ sensitive: true })
  @Mutation(() => PasswordCheck, {
    description: withExample(
      'Says whether a password may be set and how strong it is, for a form to show while the password is typed. Changes nothing and requires no sign-in.',
      'mutation CheckPassword { checkPassword(input: { password: "an engine of brass", words: ["ada@example.com", "Ada Lovelace"] }) { problems strength } }',
    ),
  })
  checkPassword(
    @Ctx() { app }: Context,
    @Arg('input', () => CheckPasswordInput, { description: 'The password, and words of the account.' })
    input: CheckPasswordInput,
  ): Promise<PasswordCheck> {
    return checkPassword(app, input)
  }
}
