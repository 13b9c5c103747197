import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { findUser, userColumns } from '../accounts/account.ts'
import { requireAddressNotHeld } from '../accounts/address-hold.ts'
import {
  deviceNameField,
  displayNameField,
  emailField,
  localeField,
  usernameField,
} from '../accounts/fields.ts'
import type { PendingRegistration } from '../accounts/pending-registration.ts'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import { uniqueNameError, usernameTaken } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { passwordField, requireAcceptablePassword } from '../credentials/password/new-password.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { type Device, seenDeviceSql, toDeviceRows } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { mailColumns, toMails } from '../mail/outbox.ts'
import { networkOf } from '../network/address.ts'
import { mailAttempts, storeEmailRequest } from '../one-time-tokens/email-request.ts'
import { tokenColumns } from '../one-time-tokens/token.ts'
import { verificationOf, verificationOfPending } from '../one-time-tokens/verification.ts'
import { toGrants } from '../permissions/grants.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { type SessionWithAccount, sessionColumns } from '../sessions/find-session.ts'
import { newSession } from '../sessions/start.ts'

const schema = z.object({
  email: emailField,
  password: passwordField,
  username: usernameField.nullish(),
  displayName: displayNameField.nullish(),
  locale: localeField.nullish(),
  deviceName: deviceNameField.nullish(),
})

/** One statement, so all or nothing; the unique indexes decide who has a name first. */
const insertAccount = statement(
  'register',
  `WITH account AS (${insertSql('users', userColumns, 1)} RETURNING id),
     granted AS (INSERT INTO user_roles (user_id, role_name) SELECT id, $2 FROM account),
     started AS (${insertSql('sessions', sessionColumns, 3)}),
     device AS (${seenDeviceSql(7)}),
     asked AS (${insertSql('email_tokens', tokenColumns, 4)}),
     queued AS (${insertSql('mails', mailColumns, 5)})
   ${insertSql('audit_events', auditColumns, 6)}`,
)

/** Signed in, or, where addresses must be verified first, the address that was written to. */
export type Registered = { started: SessionWithAccount } | { mustVerify: string }

/**
 * Makes an account and signs it in from `device`. Where addresses must be verified, the account waits for that, and an address
 * that has an account already is answered like a new one, after the same work.
 * @throws AuthError REGISTRATION_CLOSED, BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, RATE_LIMITED,
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
  const mustVerify = app.config.emailVerification === 'required'
  const network = { rule: 'register.network', subject: networkOf(request.ipAddress) } as const
  // For known and unknown addresses alike, so that no limit tells who has an account.
  const mails =
    app.config.emailVerification === 'off' ? [] : mailAttempts(app, 'verify', email.canonical, request)
  await countAttempt(app, [network, ...mails], request)
  const wanted: PendingRegistration = {
    email: email.typed,
    username: username ?? null,
    displayName: displayName ?? null,
    locale: locale ?? app.config.locales[0],
    passwordHash: await app.hasher.hash(password),
    asked: emailOriginOf(app, request),
  }
  if (!mustVerify)
    return { started: await signUp(app, wanted, email.canonical, { device, deviceName }, request) }
  await askToVerify(app, wanted, email.canonical, request)
  return { mustVerify: email.typed }
}

async function signUp(
  app: App,
  { asked, ...wanted }: PendingRegistration,
  emailCanonical: string,
  { device, deviceName }: { device: Device; deviceName: string | null | undefined },
  request: RequestInfo,
): Promise<SessionWithAccount> {
  const now = app.clock.now()
  const user: User = {
    ...wanted,
    id: uuidv7(),
    emailCanonical,
    emailVerifiedAt: null,
    passwordChangedAt: now,
    lastLoginAt: now,
    disabledAt: null,
    publicMetadata: {},
    privateMetadata: {},
    createdAt: now,
    updatedAt: now,
  }
  const session = newSession(app, user.id, request, { remember: true, deviceName })
  const verification = app.config.emailVerification === 'off' ? [] : [verificationOf(app, user, asked)]
  const registered: AuditEntry = { action: 'user.registered', at: now, actorId: user.id, subjectId: user.id }
  const events: AuditEntry[] = [
    registered,
    { ...registered, action: 'session.started', detail: { sessionId: session.id } },
  ]
  await requireAddressNotHeld(app, emailCanonical)
  try {
    await insertAccount(app.pool, [
      toRows(userColumns, user),
      DEFAULT_ROLE,
      toRows(sessionColumns, session),
      toRows(tokenColumns, ...verification.map(({ row }) => row)),
      toRows(mailColumns, ...toMails(app, ...verification.map(({ mail }) => mail))),
      toRows(auditColumns, ...events.map(event => toEvent(request, event))),
      toDeviceRows(app, user.id, device),
    ])
  } catch (error) {
    throw uniqueNameError(error) ?? error
  }
  const grants = toGrants(app, [{ name: DEFAULT_ROLE, permissions: [] }])
  return { account: { ...user, ...grants }, session }
}

/**
 * Writes to the address, and stores the account that was asked for until the answer comes: for an address that has
 * an account too, though nobody is sent that token, so that signing in with the new password is answered alike. Its
 * owner is told by mail, and finds the attempt in the audit log.
 */
async function askToVerify(
  app: App,
  wanted: PendingRegistration,
  emailCanonical: string,
  request: RequestInfo,
): Promise<void> {
  if (wanted.username && (await findUser(app, 'username', wanted.username))) throw usernameTaken('found')
  const known = await findUser(app, 'email', emailCanonical)
  const { row, mail } = verificationOfPending(app, uuidv7(), emailCanonical, wanted)
  const warning = known && securityNotice(app, known, 'already-registered', wanted.asked)
  const event: AuditEntry = {
    action: known ? 'user.registered_again' : 'registration.requested',
    at: row.createdAt,
    subjectId: known?.id ?? row.subject,
  }
  await storeEmailRequest(app, { tokens: [row], mails: [warning ?? mail], event }, request)
}
