import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import {
  deviceNameField,
  displayNameField,
  emailField,
  localeField,
  usernameField,
} from '../accounts/fields.ts'
import type { PendingRegistration } from '../accounts/pending-registration.ts'
import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { requireSignUpAllowed } from '../before-sign-up.ts'
import type { RequestInfo } from '../context.ts'
import { registrationOptions } from '../credentials/passkey/ceremony.ts'
import { openCeremony, passkeyField, sealCeremony } from '../credentials/passkey/ceremony-ticket.ts'
import { toPasskeyRows, verifyNewPasskey } from '../credentials/passkey/new-passkey.ts'
import type { PasskeyCeremony } from '../credentials/passkey/passkey.types.ts'
import { requirePasskeys } from '../credentials/passkey/stored.ts'
import { newUserHandle } from '../credentials/passkey/user-handle.ts'
import type { Device } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import { checkInput } from '../input.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { createAccount } from './create-account.ts'
import { type Registered, registrationAttempts, requestVerification } from './register.ts'

const beginSchema = z.object({
  email: emailField,
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
  locale: localeField.nullish(),
})

/**
 * Begins the registration of an account that has a passkey and no password. Asks the database nothing, so it does not
 * reveal whether the address or the username is taken.
 * @throws AuthError BAD_USER_INPUT, REGISTRATION_CLOSED; CONFLICT with PASSKEYS=off
 */
export async function beginPasskeyRegistration(app: App, input: unknown): Promise<PasskeyCeremony> {
  requireOpen(app)
  const { email, username, displayName, locale } = checkInput(beginSchema, input)
  const userHandle = newUserHandle()
  const { ticket, expiresAt } = sealCeremony(app, 'passkeyRegistration', {
    email: email.typed,
    emailCanonical: email.canonical,
    username: username ?? null,
    displayName: displayName ?? null,
    locale: locale ?? app.config.locales[0],
    userHandle: Buffer.from(userHandle).toString('base64url'),
  })
  const options = await registrationOptions(app.config.passkeys, ticket, {
    userHandle,
    userName: email.typed,
    displayName: displayName ?? email.typed,
    exclude: [],
    securityKey: false,
    automatic: false,
  })
  return { ticket, options, expiresAt }
}

const schema = z.object({ passkey: passkeyField, deviceName: deviceNameField.nullish() })

/**
 * Creates an account with the passkey that the browser created, and signs in from `device`. If addresses must be verified
 * first, stores a pending registration instead; an address that already has an account then gets the same answer.
 * @throws AuthError BAD_USER_INPUT, REGISTRATION_CLOSED, SIGN_UP_REFUSED, TICKET_INVALID, PASSKEY_INVALID, EMAIL_TAKEN, USERNAME_TAKEN,
 *   RATE_LIMITED; CONFLICT with PASSKEYS=off, or for a passkey that an account already has
 */
export async function registerWithPasskey(
  app: App,
  input: unknown,
  request: RequestInfo,
  device: Device,
): Promise<Registered> {
  requireOpen(app)
  const { passkey: answer, deviceName } = checkInput(schema, input)
  const { payload } = openCeremony(app, 'passkeyRegistration', answer.ticket)
  const { emailCanonical, userHandle, ...profile } = payload
  const id = uuidv7()
  const kind = { securityKey: false, automatic: false }
  const passkey = await verifyNewPasskey(app, answer, { ...kind, userId: id, userHandle })
  await countAttempt(app, registrationAttempts(app, emailCanonical, request), request)
  const { email, username, displayName, locale } = profile
  const person = { email, username, displayName, locale }
  await requireSignUpAllowed(app, { ...person, method: 'PASSKEY', emailVerified: false }, request)
  const registration: PendingRegistration = {
    ...profile,
    passwordHash: null,
    passkey: { rows: toPasskeyRows(passkey), userHandle },
    asked: emailOriginOf(app, request),
  }
  if (app.config.emailVerification === 'required') {
    await requestVerification(app, registration, emailCanonical, request, id)
    return { mustVerify: profile.email }
  }
  const options = { device, deviceName, id }
  return { started: await createAccount(app, registration, emailCanonical, options, request) }
}

function requireOpen(app: App): void {
  requirePasskeys(app)
  if (!app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
}
