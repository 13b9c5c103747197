import { userColumns } from '../accounts/account.ts'
import { requireAddressNotHeld } from '../accounts/address-hold.ts'
import { identityColumns } from '../accounts/identities.ts'
import type { PendingRegistration } from '../accounts/pending-registration.ts'
import { uniqueNameError } from '../accounts/unique-names.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { passkeyColumns, passkeyTaken } from '../credentials/passkey/new-passkey.ts'
import { statement, violatedUnique } from '../database/client.ts'
import { type Columns, insertSql, toRows } from '../database/insert.ts'
import { newId } from '../database/new-id.ts'
import { type Device, seenDeviceSql, toDeviceRows } from '../devices/device.ts'
import type { Identity, User } from '../generated/prisma/client.ts'
import { mailColumns, toMails } from '../mail/outbox.ts'
import { tokenColumns } from '../one-time-tokens/token.ts'
import { verificationOf } from '../one-time-tokens/verification.ts'
import { toGrants } from '../permissions/grants.ts'
import { DEFAULT_ROLE } from '../permissions/permissions.ts'
import type { SessionWithAccount } from '../sessions/find-session.ts'
import { newSession } from '../sessions/start.ts'
import { identityTaken, isIdentityTaken } from './new-identity.ts'
import { flowEnded } from './provider-flow.ts'
import { startedColumns } from './start-session.ts'

const ticketColumns = { id: 'id', expiresAt: 'expires_at' } as const satisfies Columns

/** One atomic statement. Of simultaneous registrations, the unique indexes decide which one gets a name. */
const insertAccount = statement(
  'register',
  `WITH account AS (${insertSql('users', userColumns, 1, undefined, { webauthn_handle: '$9::bytea' })} RETURNING id),
     granted AS (INSERT INTO user_roles (user_id, role_name) SELECT id, $2 FROM account),
     device AS (${seenDeviceSql(7)}),
     started AS (${insertSql('sessions', startedColumns, 3, 'device', { device_id: 'device.id' })}),
     passkey AS (${insertSql('passkeys', passkeyColumns, 8)}),
     identity AS (${insertSql('identities', identityColumns, 10)}),
     spent AS (${insertSql('spent_tickets', ticketColumns, 11)}),
     asked AS (${insertSql('email_tokens', tokenColumns, 4)}),
     queued AS (${insertSql('mails', mailColumns, 5)})
   ${insertSql('audit_events', auditColumns, 6)}`,
)

type NewAccountOptions = {
  device: Device
  deviceName: string | null | undefined
  /** The account's ID, if it is known already. */
  id?: string
  /** The identity at a provider that the account starts with, the provider's session, and the ticket that this uses up. */
  identity?: { row: Identity; sid: string | null; ticket: { id: string; expiresAt: Date } } | undefined
}

/**
 * Creates the account of a registration, with its password, its passkey or its identity, and starts its first session from `device`.
 * Sends an email with a link that verifies the address, unless the server does not verify addresses.
 * @throws AuthError EMAIL_TAKEN, USERNAME_TAKEN; CONFLICT for a passkey that an account already has; IDENTITY_TAKEN, and
 *   TOKEN_INVALID for a ticket that was used before
 */
export async function createAccount(
  app: App,
  { asked, passkey, identityTicket, ...registration }: PendingRegistration,
  emailCanonical: string,
  { device, deviceName, identity, id = newId() }: NewAccountOptions,
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
  const method = identity ? 'PROVIDER' : passkey ? 'PASSKEY' : 'PASSWORD'
  const provider = identity && { provider: identity.row.provider }
  const proofs = [{ method, at: now } as const]
  // The same time tells later that this is the session that registered: see enrollment.ts.
  const session = {
    ...newSession(app, user.id, request, { proofs, remember: true, deviceName }),
    createdAt: now,
  }
  const verification = app.config.emailVerification === 'off' ? [] : [verificationOf(app, user, asked)]
  const event = { at: now, actorId: user.id, subjectId: user.id }
  const events: AuditEntry[] = [
    { ...event, action: 'user.registered', ...(provider && { detail: provider }) },
    {
      ...event,
      action: 'session.started',
      detail: { sessionId: session.id, methods: [method], ...provider },
    },
  ]
  await requireAddressNotHeld(app, emailCanonical)
  try {
    await insertAccount(app.pool, [
      toRows(userColumns, user),
      DEFAULT_ROLE,
      toRows(startedColumns, {
        ...session,
        identityId: identity?.row.id ?? null,
        providerSid: identity?.sid ?? null,
        usedProofs: request.provenKey?.proofId ?? null,
      }),
      toRows(tokenColumns, ...verification.map(({ row }) => row)),
      toRows(mailColumns, ...toMails(app, ...verification.map(({ mail }) => mail))),
      toRows(auditColumns, ...events.map(event => toEvent(request, event))),
      toDeviceRows(app, user.id, device, { deviceName: session.deviceName, ipAddress: session.ipAddress }),
      passkey?.rows ?? '[]',
      passkey ? Buffer.from(passkey.userHandle, 'base64url') : null,
      toRows(identityColumns, ...(identity ? [identity.row] : [])),
      toRows(ticketColumns, ...(identity ? [identity.ticket] : [])),
    ])
  } catch (error) {
    if (violatedUnique(error)?.includes('credential_id')) throw passkeyTaken(error)
    if (violatedUnique(error)?.includes('spent_tickets')) throw flowEnded('the ticket was used before')
    if (isIdentityTaken(error)) throw identityTaken(error)
    throw uniqueNameError(error) ?? error
  }
  const grants = toGrants(app, [{ name: DEFAULT_ROLE, permissions: [], secondFactorRequiredFrom: null }])
  return { account: { ...user, ...grants }, session }
}
