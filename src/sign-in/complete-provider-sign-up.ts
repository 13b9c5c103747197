import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import {
  deviceNameField,
  displayNameField,
  emailField,
  localeField,
  usernameField,
} from '../accounts/fields.ts'
import { findIdentity } from '../accounts/identities.ts'
import type { PendingRegistration } from '../accounts/pending-registration.ts'
import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { requireSignUpAllowed } from '../before-sign-up.ts'
import type { RequestInfo } from '../context.ts'
import type { Device } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import { checkInput } from '../input.ts'
import { countInvalidTokens } from '../one-time-tokens/token.ts'
import { countProviderOutcome } from '../provider-outcomes.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { createAccount } from './create-account.ts'
import { openIdentity } from './identity-ticket.ts'
import { identityTaken, newIdentity } from './new-identity.ts'
import { type Registered, registrationAttempts, requestVerification } from './register.ts'
import { shownName } from './register-with-provider.ts'

const schema = z.object({
  ticket: z.string(),
  email: emailField,
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
  locale: localeField.nullish(),
  deviceName: deviceNameField.nullish(),
})

/**
 * Creates the account of an identity whose provider gives no address that can be relied on, with the address that the
 * person enters, and signs in from `device`. The address counts as unverified. If addresses must be verified first, stores
 * a pending registration instead, and every address gets the same answer. The emailed link alone then creates the account
 * without the identity: the person who reads the mailbox may not be the one who began. The identity joins only if the client that began
 * opens the link: see `verifyEmail`.
 * @throws AuthError BAD_USER_INPUT, REGISTRATION_CLOSED, SIGN_UP_REFUSED, TOKEN_INVALID, IDENTITY_TAKEN, EMAIL_TAKEN, USERNAME_TAKEN,
 *   RATE_LIMITED
 */
export async function completeProviderSignUp(
  app: App,
  input: unknown,
  request: RequestInfo,
  device: Device,
): Promise<Registered> {
  if (!app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
  const { ticket, email, username, displayName, locale, deviceName } = checkInput(schema, input)
  const opened = await countInvalidTokens(app, request, async () => openIdentity(app, ticket, 'sign-up'))
  await countAttempt(app, registrationAttempts(app, email.canonical, request), request)
  if (await findIdentity(app, opened.profile)) throw identityTaken('found')
  const { provider, sid } = opened.profile
  const profile = {
    email: email.typed,
    username: username ?? null,
    displayName: displayName ?? shownName(opened.profile.displayName),
    locale: locale ?? app.config.locales[0],
  }
  await requireSignUpAllowed(app, { ...profile, method: 'PROVIDER', provider, emailVerified: false }, request)
  const registration: PendingRegistration = {
    ...profile,
    passwordHash: null,
    asked: emailOriginOf(app, request),
  }
  const id = uuidv7()
  if (app.config.emailVerification === 'required') {
    const joining = { ...registration, identityTicket: opened.id }
    await requestVerification(app, joining, email.canonical, request, id)
    return { mustVerify: email.typed }
  }
  const identity = { row: newIdentity(app, id, opened.profile), sid, ticket: opened }
  const options = { device, deviceName, id, identity }
  const started = await createAccount(app, registration, email.canonical, options, request)
  countProviderOutcome(app, provider, 'registered')
  return { started }
}
