import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { findUser, userColumns } from '../accounts/account.ts'
import {
  deviceNameField,
  displayNameField,
  emailField,
  localeField,
  usernameField,
} from '../accounts/fields.ts'
import { takenName, usernameTaken } from '../accounts/taken.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { Session, User } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { passwordField, requireGoodPassword } from '../passwords/new-password.ts'
import { toGrants } from '../permissions/grants.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { networkOf } from '../rate-limit/network.ts'
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

/** Signed in, or, where addresses must be verified first, the address that was written to. */
export type Registered = { viewer: Viewer } | { mustVerify: string }

/**
 * Makes an account and signs it in. Where addresses must be verified, it does not sign in, and an address
 * that has an account already is answered like a new one, after the same work.
 * @throws AuthError REGISTRATION_CLOSED, BAD_USER_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, RATE_LIMITED,
 *   SERVICE_UNAVAILABLE
 */
export async function register(app: App, input: unknown, request: RequestFacts): Promise<Registered> {
  if (!app.config.registrationOpen) throw new AuthError('REGISTRATION_CLOSED')
  const { email, password, username, displayName, locale, deviceName } = checkInput(schema, input)
  await requireGoodPassword(app, password, 'input.password', [email.typed, username, displayName])
  await countAttempt(app, [{ rule: 'register.network', subject: networkOf(request.ipAddress) }], request)
  const passwordHash = await app.hasher.hash(password)
  const mustVerify = app.config.emailVerification === 'required'
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
    lastLoginAt: mustVerify ? null : now,
    disabledAt: null,
    publicMetadata: {},
    privateMetadata: {},
    createdAt: now,
    updatedAt: now,
  }
  if (mustVerify) {
    await insertUnverified(app, user, request)
    return { mustVerify: email.typed }
  }
  const session = newSession(app, user.id, request, { remember: true, deviceName })
  const events: AuditEntry[] = [
    registered(user),
    { ...registered(user), action: 'session.started', detail: { sessionId: session.id } },
  ]
  try {
    await insert(app, { users: [user], sessions: [session], events }, request)
  } catch (error) {
    throw takenName(error) ?? error
  }
  const grants = toGrants(app, [{ name: DEFAULT_ROLE, permissions: [] }])
  return { viewer: { account: { ...user, ...grants }, session } }
}

/**
 * The work for an address that has an account is that for a new one: the same queries, and a commit, which
 * takes the time. Its owner finds the attempt in the audit log.
 */
async function insertUnverified(app: App, user: User, request: RequestFacts): Promise<void> {
  if (user.username && (await findUser(app, 'username', user.username))) throw usernameTaken('found')
  const known = await findUser(app, 'email', user.emailCanonical)
  const again: AuditEntry = { action: 'user.registered_again', at: user.createdAt, subjectId: known?.id }
  try {
    await insert(
      app,
      known ? { users: [], events: [again] } : { users: [user], events: [registered(user)] },
      request,
    )
  } catch (error) {
    const taken = takenName(error)
    // Somebody else was faster: known by now.
    if (taken?.code !== 'EMAIL_TAKEN') throw taken ?? error
  }
}

function registered({ id, createdAt }: User): AuditEntry {
  return { action: 'user.registered', at: createdAt, actorId: id, subjectId: id }
}

type Rows = { users: User[]; sessions?: Session[]; events: AuditEntry[] }

async function insert(
  app: App,
  { users, sessions = [], events }: Rows,
  request: RequestFacts,
): Promise<void> {
  await insertAccount(app.pool, [
    toRows(userColumns, ...users),
    DEFAULT_ROLE,
    toRows(sessionColumns, ...sessions),
    toRows(auditColumns, ...events.map(event => toEvent(request, event))),
  ])
}
