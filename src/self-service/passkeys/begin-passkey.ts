import { z } from 'zod'
import type { App } from '../../app.ts'
import type { Context, Viewer } from '../../context.ts'
import { authenticationOptions, registrationOptions } from '../../credentials/passkey/ceremony.ts'
import { sealCeremony } from '../../credentials/passkey/ceremony-ticket.ts'
import type { PasskeyCeremony } from '../../credentials/passkey/passkey.types.ts'
import { requirePasskeys, toDescriptor, usablePasskeysOf } from '../../credentials/passkey/stored.ts'
import { userHandleOf } from '../../credentials/passkey/user-handle.ts'
import { readDevice } from '../../devices/device.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { refuseImpersonator } from '../../sessions/assurance.ts'
import { requireSession } from '../../sessions/require-session.ts'
import { beginEnrollment, type PendingEnrollment } from '../../sign-in/enrollment.ts'
import { requireAutomatic } from './automatic-passkey.ts'

const schema = z
  .object({
    ticket: z.string().nullish(),
    emailCode: z.string().nullish(),
    securityKey: z.boolean().nullish(),
    automatic: z.boolean().nullish(),
    deviceToken: z.string().nullish(),
  })
  .refine(
    ({ automatic, securityKey, ticket }) => !(automatic && (securityKey || ticket)),
    'Only a signed-in user’s browser can add a passkey automatically, and no security key.',
  )

/**
 * Begins to add a passkey or a security key. Stores nothing but the account's user handle.
 * @throws AuthError as `beginEnrollment`; BAD_USER_INPUT; CONFLICT with PASSKEYS=off, or if the browser may not add a
 *   passkey by itself
 */
export async function beginPasskey(context: Context, input: unknown): Promise<PasskeyCeremony> {
  const { app } = context
  requirePasskeys(app)
  const { automatic, deviceToken, ...given } = checkInput(schema, input ?? {})
  const { account, pending } = automatic
    ? await beginAutomatic(context, deviceToken)
    : await beginEnrollment(context, given)
  const kind = { securityKey: given.securityKey ?? false, automatic: automatic ?? false }
  const [userHandle, existing] = await Promise.all([
    userHandleOf(app, account.id),
    usablePasskeysOf(app, account.id),
  ])
  const { ticket, expiresAt } = sealCeremony(app, 'passkeyCreation', {
    ...kind,
    enrollment: pending,
    userHandle: Buffer.from(userHandle).toString('base64url'),
  })
  const options = await registrationOptions(app.config.passkeys, ticket, {
    ...kind,
    userHandle,
    userName: account.email,
    displayName: account.displayName ?? account.username ?? account.email,
    exclude: existing.map(toDescriptor),
  })
  return { ticket, options, expiresAt }
}

/** The password and the known device stand in for the emailed code. */
async function beginAutomatic(
  { app, request, viewer }: Context,
  deviceToken: string | null | undefined,
): Promise<{ account: User; pending: PendingEnrollment }> {
  const signedIn = await viewer()
  refuseImpersonator(signedIn)
  await requireAutomatic(app, signedIn, readDevice(app, deviceToken ?? request.deviceCookie))
  const { account } = signedIn
  return {
    account,
    pending: {
      user: account.id,
      version: account.credentialVersion,
      session: requireSession(signedIn).session.id,
      signIn: null,
      emailAtMs: null,
    },
  }
}

/**
 * Begins to prove again who uses the viewer's session, with a passkey or a security key of the account.
 * @throws AuthError CONFLICT with PASSKEYS=off, or if the account has neither
 */
export async function beginPasskeyProof(app: App, viewer: Viewer): Promise<PasskeyCeremony> {
  requirePasskeys(app)
  const { account } = viewer
  const { session } = requireSession(viewer)
  const passkeys = await usablePasskeysOf(app, account.id)
  if (passkeys.length === 0) throw new AuthError('CONFLICT', { message: 'Your account has no passkey.' })
  const { ticket, expiresAt } = sealCeremony(app, 'passkeyProof', {
    userId: account.id,
    sessionId: session.id,
  })
  // A security key may be unable to verify the person. The answer says whether it did.
  const userVerification = passkeys.some(({ discoverable }) => discoverable) ? 'preferred' : 'discouraged'
  const allow = passkeys.map(toDescriptor)
  const options = await authenticationOptions(app.config.passkeys, ticket, { allow, userVerification })
  return { ticket, options, expiresAt }
}
