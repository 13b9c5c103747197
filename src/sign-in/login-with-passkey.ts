import { z } from 'zod'
import { deviceNameField } from '../accounts/fields.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { authenticationOptions } from '../credentials/passkey/ceremony.ts'
import { openCeremony, passkeyField, sealCeremony } from '../credentials/passkey/ceremony-ticket.ts'
import type { PasskeyCeremony } from '../credentials/passkey/passkey.types.ts'
import { provePasskey } from '../credentials/passkey/prove.ts'
import { requirePasskeys } from '../credentials/passkey/stored.ts'
import { newDevice } from '../devices/device.ts'
import { checkInput } from '../input.ts'
import { finishSignIn, type SignInOutcome } from './finish-sign-in.ts'
import type { SigningClient } from './login.ts'
import { requireMaySignIn } from './may-sign-in.ts'
import { spentTicket, ticketInvalid } from './sign-in-ticket.ts'
import { startWithPasskey } from './start-with-passkey.ts'

const schema = z.object({
  passkey: passkeyField,
  deviceName: deviceNameField.nullish(),
  rememberMe: z.boolean().nullish(),
})

/**
 * Begins a sign-in with a passkey. Takes no name, so it reveals nothing about accounts, and writes nothing, so it needs
 * no limit.
 * @throws AuthError CONFLICT with PASSKEYS=off
 */
export async function beginPasskeyLogin(app: App): Promise<PasskeyCeremony> {
  requirePasskeys(app)
  const { ticket, expiresAt } = sealCeremony(app, 'passkeyLogin', null)
  const options = await authenticationOptions(app.config.passkeys, ticket, { userVerification: 'required' })
  return { ticket, options, expiresAt }
}

/**
 * Signs in with a passkey that verified the person, from the device that the client presents or else from a new one. One
 * answer of a browser starts one session.
 * @throws AuthError BAD_USER_INPUT, TICKET_INVALID, PASSKEY_INVALID, ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED, RATE_LIMITED;
 *   CONFLICT with PASSKEYS=off
 */
export async function loginWithPasskey(
  app: App,
  input: unknown,
  request: RequestInfo,
  { presented, transport }: SigningClient,
): Promise<SignInOutcome> {
  requirePasskeys(app)
  const { passkey, deviceName, rememberMe } = checkInput(schema, input)
  const ticket = openCeremony(app, 'passkeyLogin', passkey.ticket)
  const remember = rememberMe ?? true
  if (presented) {
    const known = { device: presented, remember, deviceName }
    const started = await startWithPasskey(app, passkey, ticket, known, request)
    if (started) return { ...started, device: presented, transport }
  }
  const { account, proof } = await provePasskey(app, passkey, request, { requireUserVerification: true })
  await requireMaySignIn(app, account, request)
  const outcome = await finishSignIn(
    app,
    {
      account,
      proofs: [proof],
      claims: [spentTicket(ticket)],
      device: presented ?? newDevice(app),
      transport,
      remember,
      deviceName,
    },
    request,
  )
  if (!outcome) throw ticketInvalid('the account has changed')
  return outcome
}
