import { z } from 'zod'
import { findUser } from '../accounts/account.ts'
import { canonicalEmail } from '../accounts/email.ts'
import { deviceNameField } from '../accounts/fields.ts'
import { canonicalUsername } from '../accounts/username.ts'
import type { App } from '../app.ts'
import { auditColumns, toEvent } from '../audit/record.ts'
import type { RequestFacts, Viewer } from '../context.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import { checkInput } from '../input.ts'
import { passwordField } from '../passwords/new-password.ts'
import { grantsColumn, grantsOf } from '../permissions/grants.ts'
import { sessionColumns } from '../sessions/find.ts'
import { newSession } from '../sessions/start.ts'
import { countLogin, forgiveLogin } from './login-limits.ts'
import { provePassword, recordDenial, renewHash } from './prove-password.ts'

const schema = z.object({
  identifier: z.string().max(320, 'Use at most 320 characters.'),
  password: passwordField,
  deviceName: deviceNameField.nullish(),
  rememberMe: z.boolean().nullish(),
})

/**
 * Starts the session only while the account still has the password that was proved: a change of
 * password or a disabling that came between leaves no session behind, for the row lock orders the two.
 */
const startSession = statement<[grants: string | null]>(
  'login',
  `WITH account AS (
     UPDATE users u SET last_login_at = $3 WHERE u.id = $1 AND u.password_hash = $2 AND u.disabled_at IS NULL
     RETURNING ${grantsColumn}
   ), started AS (${insertSql('sessions', sessionColumns, 4, 'account')})
   ${insertSql('audit_events', auditColumns, 5, 'account')} RETURNING (SELECT grants FROM account)`,
)

/**
 * Signs in with an e-mail address or a username.
 * @throws AuthError BAD_USER_INPUT, INVALID_CREDENTIALS, ACCOUNT_DISABLED, EMAIL_NOT_VERIFIED,
 *   RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function login(app: App, input: unknown, request: RequestFacts): Promise<Viewer> {
  const given = checkInput(schema, input)
  // An account that changed meanwhile is looked at once more: another login may only have renewed its hash.
  const viewer = (await tryLogin(app, given, request)) ?? (await tryLogin(app, given, request))
  if (!viewer) throw new AuthError('INVALID_CREDENTIALS', { cause: 'changed meanwhile' })
  return viewer
}

/** Undefined when the account changed between the proof of the password and the start of the session. */
async function tryLogin(
  app: App,
  { identifier, password, deviceName, rememberMe }: z.output<typeof schema>,
  request: RequestFacts,
): Promise<Viewer | undefined> {
  const name = canonicalIdentifier(identifier)
  const claimed = name && (await findUser(app, name.key, name.value))
  await countLogin(app, claimed, name?.value ?? identifier, request)
  const account = await provePassword(app, claimed, password, request)
  await forgiveLogin(app, account, request)
  if (account.disabledAt) {
    await recordDenial(app, account.id, request)
    throw new AuthError('ACCOUNT_DISABLED')
  }
  if (app.config.emailVerification === 'required' && !account.emailVerifiedAt) {
    await recordDenial(app, account.id, request)
    throw new AuthError('EMAIL_NOT_VERIFIED')
  }
  const passwordHash = await renewHash(app, account, password)
  const session = newSession(app, account.id, request, { remember: rememberMe ?? true, deviceName })
  const now = session.createdAt
  const event = toEvent(request, {
    action: 'session.started',
    at: now,
    actorId: account.id,
    subjectId: account.id,
    detail: { sessionId: session.id },
  })
  const [started] = await startSession(app.pool, [
    account.id,
    passwordHash,
    now,
    toRows(sessionColumns, session),
    toRows(auditColumns, event),
  ])
  if (!started) return undefined
  const grants = grantsOf(app, started[0])
  return { account: { ...account, ...grants, passwordHash, lastLoginAt: now }, session }
}

/** The name in the form that accounts are found and counted by; undefined for what can be no name. */
function canonicalIdentifier(identifier: string): { key: 'email' | 'username'; value: string } | undefined {
  const email = canonicalEmail(identifier)
  if (email !== undefined) return { key: 'email', value: email }
  const username = canonicalUsername(identifier)
  return username === undefined ? undefined : { key: 'username', value: username }
}
