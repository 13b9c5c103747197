import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import {
  deviceNameField,
  displayNameField,
  emailField,
  localeField,
  usernameField,
} from '../accounts/fields.ts'
import type { PendingRegistration } from '../accounts/pending-registration.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import { usernameTaken } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import type { AuditEntry } from '../audit/record.ts'
import { requireSignUpAllowed } from '../before-sign-up.ts'
import type { RequestInfo } from '../context.ts'
import { passwordField, requireAcceptablePassword } from '../credentials/password/new-password.ts'
import type { Device } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import { checkInput } from '../input.ts'
import { networkOf } from '../network/address.ts'
import { mailAttempts, storeEmailRequest } from '../one-time-tokens/email-request.ts'
import { verificationOfPending } from '../one-time-tokens/verification.ts'
import { type Attempt, countAttempt } from '../rate-limit/limit.ts'
import type { SessionWithAccount } from '../sessions/find-session.ts'
import { createAccount } from './create-account.ts'

const schema = z.object({
  email: emailField,
  password: passwordField,
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
  locale: localeField.nullish(),
  deviceName: deviceNameField.nullish(),
})

/** A new session, or the address to verify first. */
export type Registered = { started: SessionWithAccount } | { mustVerify: string }

/**
 * Creates an account and signs in from `device`. If addresses must be verified first, stores a pending registration
 * instead; an address that already has an account then gets the same answer after the same work.
 * @throws AuthError REGISTRATION_CLOSED, SIGN_UP_REFUSED, BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, RATE_LIMITED,
 *   SERVICE_UNAVAILABLE
 */
export async function register(
  app: App,
  input: unknown,
  request: RequestInfo,
  device: Device,
): Promise<Registered> {
  if (!app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
  const { email, password, username, displayName, locale, deviceName } = checkInput(schema, input)
  await requireAcceptablePassword(app, password, 'input.password', [email.typed, username, displayName])
  await countAttempt(app, registrationAttempts(app, email.canonical, request), request)
  const profile = {
    email: email.typed,
    username: username ?? null,
    displayName: displayName ?? null,
    locale: locale ?? app.config.locales[0],
  }
  await requireSignUpAllowed(app, { ...profile, method: 'PASSWORD', emailVerified: false }, request)
  const registration: PendingRegistration = {
    ...profile,
    passwordHash: await app.hasher.hash(password),
    asked: emailOriginOf(app, request),
  }
  if (app.config.emailVerification === 'required') {
    await requestVerification(app, registration, email.canonical, request)
    return { mustVerify: email.typed }
  }
  const options = { device, deviceName }
  return { started: await createAccount(app, registration, email.canonical, options, request) }
}

/** Counts known and unknown addresses alike, so that no limit reveals which addresses have an account. */
export function registrationAttempts(app: App, emailCanonical: string, request: RequestInfo): Attempt[] {
  const network: Attempt = { rule: 'register.network', subject: networkOf(request.ipAddress) }
  if (app.config.emailVerification === 'off') return [network]
  return [network, ...mailAttempts(app, 'verify', emailCanonical, request)]
}

/**
 * Stores the pending registration and sends the verification email. An address that already has an account is treated
 * alike, so that signing in with the new password gets the same answer, but the verification token is never sent.
 * Instead, the owner receives a notice, and the audit log records the attempt.
 */
export async function requestVerification(
  app: App,
  registration: PendingRegistration,
  emailCanonical: string,
  request: RequestInfo,
  id = uuidv7(),
): Promise<void> {
  const { username } = registration
  if (username && (await findUser(app, 'username', username))) throw usernameTaken('found')
  const known = await findUser(app, 'email', emailCanonical)
  const { row, mail } = verificationOfPending(app, id, emailCanonical, registration)
  const warning = known && securityNotice(app, known, 'already-registered', registration.asked)
  const event: AuditEntry = {
    action: known ? 'user.registered_again' : 'registration.requested',
    at: row.createdAt,
    subjectId: known?.id ?? row.subject,
  }
  await storeEmailRequest(app, { tokens: [row], emails: [warning ?? mail], event }, request)
}
