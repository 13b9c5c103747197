import { Arg, Authorized, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import { toUser, UserType } from '../../accounts/accounts.types.ts'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { ConfirmTotpInput, FactorAdded, TicketInput, TotpSetupType } from './factors.types.ts'
import { removeTotp } from './remove-factor.ts'
import { renewRecoveryCodes } from './renew-recovery-codes.ts'
import { sendEmailCode } from './send-email-code.ts'
import { beginTotp, confirmTotp, type TotpSetup } from './totp-setup.ts'

const WHO = { nullable: true, description: 'Omit it if you are signed in.' } as const

@Resolver()
export class FactorsResolver {
  @Extensions({ sensitive: true })
  @Mutation(() => Boolean, {
    description: withExample(
      'Emails a code to your address, which the first second factor of an account requires. The code is valid for 10 minutes in this session, or with this ticket.',
      'mutation SendEmailCode { sendEmailCode }',
    ),
  })
  async sendEmailCode(
    @Ctx() context: Context,
    @Arg('input', () => TicketInput, WHO) input?: TicketInput | null,
  ): Promise<boolean> {
    await sendEmailCode(context, input)
    return true
  }

  @Extensions({ sensitive: true })
  @Mutation(() => TotpSetupType, {
    description: withExample(
      'Creates the secret of an authenticator app, to scan or to type into it. Nothing changes until `confirmTotp`. The first factor requires a recent sign-in and a code from `sendEmailCode`; a further one requires what a full sign-in takes.',
      'mutation BeginTotp($emailCode: String) { beginTotp(input: { emailCode: $emailCode }) { ticket secret uri qrCode expiresAt } }',
    ),
  })
  beginTotp(
    @Ctx() context: Context,
    @Arg('input', () => TicketInput, WHO) input?: TicketInput | null,
  ): Promise<TotpSetup> {
    return beginTotp(context, input)
  }

  @Extensions({ sensitive: true })
  @Mutation(() => FactorAdded, {
    description: withExample(
      'Adds the authenticator app, which a code of it confirms. From then on, every sign-in requires a second factor, and sessions without one end. The app replaces an earlier one.',
      'mutation ConfirmTotp($ticket: String!, $code: String!) { confirmTotp(input: { ticket: $ticket, code: $code }) { auth { accessToken refreshToken session { id strength } } recoveryCodes } }',
    ),
  })
  confirmTotp(
    @Ctx() context: Context,
    @Arg('input', () => ConfirmTotpInput, { description: 'The ticket of the set-up and a code.' })
    input: ConfirmTotpInput,
  ): Promise<FactorAdded> {
    return confirmTotp(context, input)
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => UserType, {
    description: withExample(
      'Removes your authenticator app. Requires what a full sign-in takes. Ends your other sessions, and no device is trusted any longer. Fails with CONFLICT for the last second factor if your account requires one.',
      'mutation RemoveTotp { removeTotp { id hasTotp secondFactorRequired } }',
    ),
  })
  async removeTotp(@Ctx() { app, viewer, request }: Context): Promise<UserType> {
    return toUser(await removeTotp(app, await viewer(), request))
  }

  @Extensions({ sensitive: true })
  @Authorized()
  @Mutation(() => [String], {
    description: withExample(
      'Replaces your recovery codes and returns the new ones, which are shown only here. Requires what a full sign-in takes.',
      'mutation RenewRecoveryCodes { renewRecoveryCodes }',
    ),
  })
  async renewRecoveryCodes(@Ctx() { app, viewer, request }: Context): Promise<string[]> {
    return renewRecoveryCodes(app, await viewer(), request)
  }
}
