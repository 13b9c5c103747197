import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { userColumns } from '../accounts/account.ts'
import {
  deviceNameField,
  displayNameField,
  emailField,
  localeField,
  usernameField,
} from '../accounts/fields.ts'
import { takenName } from '../accounts/taken.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { passwordField, requireGoodPassword } from '../passwords/new-password.ts'
import { toGrants } from '../permissions/grants.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { sessionColumns } from '../sessions/find.ts'
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
     started AS (${insertSql('sessions', sessionColumns, 3)})
   ${insertSql('audit_events', auditColumns, 4)}`,
)

/**
 * Makes an account and signs it in.
 * @throws AuthError REGISTRATION_CLOSED, BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, SERVICE_UNAVAILABLE
 */
export async function register(app: App, input: unknown, request: RequestFacts): Promise<Viewer> {
  if (!app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
  const { email, password, username, displayName, locale, deviceName } = checkInput(schema, input)
  await requireGoodPassword(app, password, 'input.password', [email.typed, username, displayName])
  const passwordHash = await app.hasher.hash(password)
  const now = app.clock.now()
  const user: User = {
    id: uuidv7(),
    email: email.typed,
    emailCanonical: email.canonical,
    emailVerifiedAt: null,
    username: username ?? null,
    displayName: displayName ?? null,
    locale: locale ?? app.config.locales[0],
    passwordHash,
    passwordChangedAt: now,
    lastLoginAt: now,
    disabledAt: null,
    createdAt: now,
    updatedAt: now,
  }
  const session = newSession(app, user.id, request, { remember: true, deviceName })
  const who = { at: now, actorId: user.id, subjectId: user.id }
  const events = [
    toEvent(request, { ...who, action: 'user.registered' }),
    toEvent(request, { ...who, action: 'session.started', detail: { sessionId: session.id } }),
  ]
  try {
    await insertAccount(app.pool, [
      toRows(userColumns, user),
      DEFAULT_ROLE,
      toRows(sessionColumns, session),
      toRows(auditColumns, ...events),
    ])
  } catch (error) {
    throw takenName(error) ?? error
  }
  return { account: { ...user, ...toGrants(app, [{ name: DEFAULT_ROLE, permissions: [] }]) }, session }
}
