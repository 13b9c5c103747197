import { z } from 'zod'
import { findUser, findUserById } from '../accounts/account.ts'
import { deviceNameField } from '../accounts/fields.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import {
  type ProvedEmailLogin,
  proveEmailLoginCode,
  proveEmailLoginToken,
} from '../credentials/email-login.ts'
import { recordDenial } from '../credentials/password/prove.ts'
import { type Device, newDevice } from '../devices/device.ts'
import { AuthError, badInput } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { countInvalidTokens } from '../one-time-tokens/token.ts'
import type { TokenTransport } from '../sessions/token-transport.ts'
import { finishSignIn, type SignIn, type SignInOutcome } from './finish-sign-in.ts'
import { proveMailboxFirst } from './first-mailbox-proof.ts'
import { registerWithEmail } from './register-with-email.ts'
import { requireEmailLogin } from './request-email-login.ts'

const schema = z.object({
  token: z.string().nullish(),
  ticket: z.string().nullish(),
  code: z.string().nullish(),
  deviceName: deviceNameField.nullish(),
  rememberMe: z.boolean().nullish(),
})

/**
 * Signs in with what an email contains: the code, together with the ticket of the request, or the token of the link.
 * Either uses up both. If the address has no account, creates one. If the account's address was never verified, first
 * removes what strangers may have set up: see `proveMailboxFirst`. A mailbox is a single factor, so an account that
 * demands a second one gets the next step.
 * @throws AuthError BAD_USER_INPUT, TOKEN_INVALID, TICKET_INVALID, CODE_INVALID, ACCOUNT_DISABLED, REGISTRATION_CLOSED,
 *   RATE_LIMITED; CONFLICT unless EMAIL_LOGIN=on
 */
export async function loginWithEmail(
  app: App,
  input: unknown,
  request: RequestInfo,
  client: { presented: Device | undefined; transport: TokenTransport },
): Promise<SignInOutcome> {
  requireEmailLogin(app)
  const { deviceName, rememberMe, ...secrets } = checkInput(schema, input)
  const login = await prove(app, secrets, request)
  const options = {
    device: client.presented ?? newDevice(app),
    transport: client.transport,
    remember: rememberMe ?? true,
    deviceName,
  }
  const outcome = (await finish(app, login, options, request)) ?? (await finish(app, login, options, request))
  if (!outcome) throw login.claim.lost()
  return outcome
}

type Secrets = Pick<z.output<typeof schema>, 'token' | 'ticket' | 'code'>

function prove(app: App, { token, ticket, code }: Secrets, request: RequestInfo): Promise<ProvedEmailLogin> {
  if (token != null && ticket == null && code == null)
    return countInvalidTokens(app, request, () => proveEmailLoginToken(app, token))
  if (token == null && ticket != null && code != null)
    return proveEmailLoginCode(app, { ticket, code }, request)
  throw badInput({ input: ['Use either the token of the link, or the ticket and the code.'] })
}

/** Returns undefined if the account was created or changed in the meantime. */
async function finish(
  app: App,
  login: ProvedEmailLogin,
  options: Pick<SignIn, 'device' | 'transport' | 'remember' | 'deviceName'>,
  request: RequestInfo,
): Promise<SignInOutcome | undefined> {
  const found = await accountOf(app, login)
  if (found?.disabledAt) {
    await recordDenial(app, found.id, request)
    throw new AuthError('ACCOUNT_DISABLED')
  }
  const proof = { method: 'EMAIL', at: app.clock.now() } as const
  if (found?.emailVerifiedAt)
    return finishSignIn(
      app,
      { account: found, proofs: [{ ...proof, claim: login.claim }], ...options },
      request,
    )
  // These use up the email in the transaction that changes or creates the account.
  const account = found
    ? await proveMailboxFirst(app, found, login, request)
    : await registerWithEmail(app, login, request)
  return account && finishSignIn(app, { account, proofs: [proof], ...options }, request)
}

/**
 * The account that the email signs in to; undefined if one must be created.
 * @throws AuthError if what signs in to the account has changed since the email was requested
 */
async function accountOf(app: App, login: ProvedEmailLogin): Promise<User | undefined> {
  // Without an account at that time, the mailbox alone decides: it proves an account that was created since.
  if (login.userId === null) return findUser(app, 'email', login.emailCanonical)
  const account = await findUserById(app, login.userId)
  const same =
    account?.emailCanonical === login.emailCanonical && account.credentialVersion === login.credentialVersion
  if (!account || !(same || account.disabledAt)) throw login.claim.lost()
  return account
}
