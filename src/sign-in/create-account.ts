import { v7 as uuidv7 } from 'uuid'
import { userColumns } from '../accounts/account.ts'
import { requireAddressNotHeld } from '../accounts/address-hold.ts'
import type { PendingRegistration } from '../accounts/pending-registration.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { passkeyColumns, passkeyTaken } from '../credentials/passkey/new-passkey.ts'
import { statement, violatedUnique } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { type Device, seenDeviceSql, toDeviceRows } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { mailColumns, toMails } from '../mail/outbox.ts'
import { tokenColumns } from '../one-time-tokens/token.ts'
import { verificationOf } from '../one-time-tokens/verification.ts'
import { toGrants } from '../permissions/grants.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import { type SessionWithAccount, sessionColumns } from '../sessions/find-session.ts'
import { newSession } from '../sessions/start.ts'

/** One atomic statement. Of simultaneous registrations, the unique indexes decide which one gets a name. */
const insertAccount = statement(
  'register',
  `WITH account AS (${insertSql('users', userColumns, 1, undefined, { webauthn_handle: '$9::bytea' })} RETURNING id),
     granted AS (INSERT INTO user_roles (user_id, role_name) SELECT id, $2 FROM account),
     device AS (${seenDeviceSql(7)}),
     started AS (${insertSql('sessions', sessionColumns, 3, 'device', { device_id: 'device.id' })}),
     passkey AS (${insertSql('passkeys', passkeyColumns, 8)}),
     asked AS (${insertSql('email_tokens', tokenColumns, 4)}),
     queued AS (${insertSql('mails', mailColumns, 5)})
   ${insertSql('audit_events', auditColumns, 6)}`,
)

type NewAccountOptions = {
  device: Device
  deviceName: string | null | undefined
  /** The account's ID, if it is known already. */
  id?: string
}

/**
 * Creates the account of a registration, with its password or its passkey, and starts its first session from `device`.
 * Sends an email with a link that verifies the address, unless the server does not verify addresses.
 * @throws AuthError EMAIL_TAKEN, USERNAME_TAKEN; CONFLICT for a passkey that an account already has
 */
export async function createAccount(
  app: App,
  { asked, passkey, ...registration }: PendingRegistration,
  emailCanonical: string,
  { device, deviceName, id = uuidv7() }: NewAccountOptions,
  request: RequestInfo,
): Promise<SessionWithAccount> {
  const now = app.clock.now()
  const user: User = {
    ...registration,
    id,
    emailCanonical,
    emailVerifiedAt: null,
    passwordChangedAt: registration.passwordHash === null ? null : now,
    lastLoginAt: now,
    disabledAt: null,
    credentialVersion: 0,
    secondFactorRequired: false,
    enrollmentRequired: false,
    disabledReason: null,
    invitedAt: null,
    publicMetadata: {},
    privateMetadata: {},
    createdAt: now,
    updatedAt: now,
  }
  const method = passkey ? 'PASSKEY' : 'PASSWORD'
  const proofs = [{ method, at: now } as const]
  // The same time tells later that this is the session that registered: see enrollment.ts.
  const session = {
    ...newSession(app, user.id, request, { proofs, remember: true, deviceName }),
    createdAt: now,
  }
  const verification = app.config.emailVerification === 'off' ? [] : [verificationOf(app, user, asked)]
  const registered: AuditEntry = { action: 'user.registered', at: now, actorId: user.id, subjectId: user.id }
  const events: AuditEntry[] = [
    registered,
    { ...registered, action: 'session.started', detail: { sessionId: session.id, methods: [method] } },
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
      toDeviceRows(app, user.id, device, { deviceName: session.deviceName, ipAddress: session.ipAddress }),
      passkey?.rows ?? '[]',
      passkey ? Buffer.from(passkey.userHandle, 'base64url') : null,
    ])
  } catch (error) {
    if (violatedUnique(error)?.includes('credential_id')) throw passkeyTaken(error)
    throw uniqueNameError(error) ?? error
  }
  const grants = toGrants(app, [{ name: DEFAULT_ROLE, permissions: [], secondFactorRequiredFrom: null }])
  return { account: { ...user, ...grants }, session }
}
