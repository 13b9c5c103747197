import { z } from 'zod'
import { canonicalEmail } from '../accounts/email.ts'
import { deviceNameField } from '../accounts/fields.ts'
import { findPendingRegistration } from '../accounts/pending-registration.ts'
import { canonicalUsername } from '../accounts/username.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { countLogin, forgiveLogin, loginAttempts } from '../credentials/attempts.ts'
import type { Name } from '../credentials/count-and-find.ts'
import { type SubmittedPassword, submittedPasswordField } from '../credentials/password/new-password.ts'
import { provePassword, renewHash } from '../credentials/password/prove.ts'
import { type Device, newDevice } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import type { TokenTransport } from '../sessions/token-transport.ts'
import { finishSignIn, type SignInOutcome } from './finish-sign-in.ts'
import { requireMaySignIn } from './may-sign-in.ts'

const schema = z.object({
  identifier: z.string().max(320, 'Use at most 320 characters.'),
  password: submittedPasswordField,
  deviceName: deviceNameField.nullish(),
  rememberMe: z.boolean().nullish(),
})

/** The client that signs in: the device that it presents, if any, and where it keeps its tokens. */
export type SigningClient = { presented: Device | undefined; transport: TokenTransport }

/**
 * Signs in with an email address or a username, from the device that the client presents or else from a new one.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED,
 *   RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function login(
  app: App,
  input: unknown,
  request: RequestInfo,
  client: SigningClient,
): Promise<SignInOutcome> {
  const credentials = checkInput(schema, input)
  const attempt = () => tryLogin(app, credentials, request, client)
  // If the account changed during the attempt, the second attempt decides: only a role may have changed.
  const outcome = (await attempt()) ?? (await attempt())
  if (!outcome)
    throw new AuthError('INVALID_CREDENTIALS', { cause: 'the account changed during the sign-in' })
  return outcome
}

/** Returns undefined if the account changed between the password check and the end of the sign-in. */
async function tryLogin(
  app: App,
  { identifier, password, deviceName, rememberMe }: z.output<typeof schema>,
  request: RequestInfo,
  { presented, transport }: SigningClient,
): Promise<SignInOutcome | undefined> {
  const name = canonicalIdentifier(identifier)
  const attempts = loginAttempts(app, name?.value ?? identifier, presented, request)
  const { counted, account: claimed } = await countLogin(app, attempts, name, request)
  const account = await provePasswordOrPending(app, claimed, name, password, request)
  await forgiveLogin(app, attempts, account, counted, request)
  await requireMaySignIn(app, account, request)
  await renewHash(app, account, password)
  const proofs = [{ method: 'PASSWORD', at: app.clock.now() } as const]
  const device = presented ?? newDevice(app)
  const signIn = { account, proofs, device, transport, remember: rememberMe ?? true, deviceName }
  return finishSignIn(app, signIn, request)
}

/**
 * As `provePassword`. If addresses must be verified first and the password is wrong for the account, it may be the
 * password of a pending registration. A client with that password learns that the address is not verified yet, whether
 * or not the address also has an account. A second hash is computed for every address, so that response times reveal
 * nothing. The password of a pending registration forgives no attempts: otherwise registering a victim's address would
 * allow unlimited guesses at the victim's password.
 * @throws AuthError INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED, SERVICE_UNAVAILABLE
 */
async function provePasswordOrPending(
  app: App,
  claimed: User | undefined,
  name: Name | undefined,
  password: SubmittedPassword,
  request: RequestInfo,
): Promise<User & { passwordHash: string }> {
  try {
    return await provePassword(app, claimed, password, request)
  } catch (error) {
    const mayBePending = app.config.emailVerification === 'required' && name?.key === 'email'
    if (!mayBePending || !(error instanceof AuthError) || error.code !== 'INVALID_CREDENTIALS') throw error
    const pending = await findPendingRegistration(app, name.value, request)
    const isPending = await app.hasher.verify(pending?.account.passwordHash, password.normal)
    throw isPending ? new AuthError('EMAIL_NOT_VERIFIED') : error
  }
}

/** The identifier as accounts are found by it; undefined if it is neither an email address nor a username. */
function canonicalIdentifier(identifier: string): Name | undefined {
  const email = canonicalEmail(identifier)
  if (email !== undefined) return { key: 'email', value: email }
  const username = canonicalUsername(identifier)
  return username === undefined ? undefined : { key: 'username', value: username }
}
