import { GraphQLDateTime } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, InputType, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { cancelFactorRecovery, requestFactorRecovery } from './factor-recovery.ts'

@InputType('FactorRecoveryInput', { description: 'A sign-in that demands a lost second factor.' })
export class FactorRecoveryInput {
  @Field(() => String, {
    description: 'The ticket of `SecondFactorRequired`, from a sign-in with the password.',
  })
  ticket!: string

  @Field(() => String, { description: 'The code that `sendEmailCode` emailed for this ticket.' })
  emailCode!: string
}

@InputType('CancelFactorRecoveryInput', { description: 'The token from the email about the recovery.' })
export class CancelFactorRecoveryInput {
  @Field(() => String, { description: 'The value of `token=` in the link.' })
  token!: string
}

@Resolver()
export class FactorRecoveryResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => GraphQLDateTime, {
    description: withExample(
      'Recovers an account whose second factors are lost. The first call begins a wait and notifies the owner. A call after the wait removes the factors, and the next sign-in must add one. Returns when the recovery can be completed. Fails with CONFLICT unless the server has FACTOR_RECOVERY_WAIT, and if a role demands a second factor.',
      'mutation RecoverFactors($ticket: String!, $code: String!) { requestFactorRecovery(input: { ticket: $ticket, emailCode: $code }) }',
    ),
  })
  async requestFactorRecovery(
    @Ctx() { app, request }: Context,
    @Arg('input', () => FactorRecoveryInput, { description: 'The ticket and the emailed code.' })
    input: FactorRecoveryInput,
  ): Promise<Date> {
    return requestFactorRecovery(app, input, request)
  }

  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Cancels the recovery of an account with the link from the email about it.',
      'mutation CancelRecovery($token: String!) { cancelFactorRecovery(input: { token: $token }) }',
    ),
  })
  async cancelFactorRecovery(
    @Ctx() { app, request }: Context,
    @Arg('input', () => CancelFactorRecoveryInput, { description: 'The token from the link.' })
    input: CancelFactorRecoveryInput,
  ): Promise<boolean> {
    await cancelFactorRecovery(app, input, request)
    return true
  }
}
