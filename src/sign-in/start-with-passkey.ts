import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import type { PasskeyAnswer } from '../credentials/passkey/ceremony-ticket.ts'
import { verifyKnownPasskey } from '../credentials/passkey/prove.ts'
import type { Device } from '../devices/device.ts'
import type { Started } from './finish-sign-in.ts'
import { startsTogether } from './start-together.ts'

/**
 * The rules of provePasskey (section 7.2 of WebAuthn), for a signature that is already verified with this key. A counter
 * that regresses is never accepted here.
 */
const start = startsTogether({
  name: 'passkey',
  max: 16,
  columns: [
    'ticket uuid',
    'ticket_expires_at timestamptz',
    'credential_id bytea',
    'public_key bytea',
    'user_handle bytea',
    'counter bigint',
    'backup_eligible boolean',
    'backed_up boolean',
  ],
  found: {
    from: 'JOIN passkeys p ON p.credential_id = a.credential_id JOIN users u ON u.id = p.user_id',
    columns: 'p.id AS passkey_id',
    where: 'p.public_key = a.public_key',
  },
  held: {
    join: 'JOIN passkeys p ON p.id = s.passkey_id',
    of: 'p',
    where: `p.public_key = s.public_key
      AND (p.user_handle IS NULL OR s.user_handle IS NULL OR p.user_handle = s.user_handle)
      AND (p.last_used_at IS NULL OR p.backup_eligible = s.backup_eligible)
      AND (s.counter > p.counter OR (s.counter = 0 AND p.counter = 0))`,
  },
  // In the order of the tickets, so that two batches with the same tickets never wait for each other.
  claimed: `spent AS (
      INSERT INTO spent_tickets (id, expires_at) SELECT ticket, ticket_expires_at FROM held ORDER BY ticket
      ON CONFLICT DO NOTHING RETURNING id
    ), claimed AS (SELECT h.session_id FROM held h JOIN spent ON spent.id = h.ticket)`,
  changes: `used AS (
      UPDATE passkeys p SET counter = room.counter, backup_eligible = room.backup_eligible,
        backed_up = room.backed_up, last_used_at = room.at
      FROM room WHERE p.id = room.passkey_id
    )`,
})

export type PasskeySignIn = {
  device: Device
  remember: boolean
  deviceName: string | null | undefined
}

/**
 * Signs in with a passkey whose key this process knows, in one statement. Undefined if that is not possible, for whatever
 * reason: nothing has changed then, and the step-by-step way decides.
 */
export async function startWithPasskey(
  app: App,
  answer: PasskeyAnswer,
  ticket: { id: string; expiresAt: Date },
  signIn: PasskeySignIn,
  request: RequestInfo,
): Promise<Pick<Started, 'step' | 'started'> | undefined> {
  const verified = await verifyKnownPasskey(app, answer)
  if (!verified) return undefined
  const { credentialId, publicKey, userHandle, assertion } = verified
  const started = await start(
    app,
    {
      ...signIn,
      method: 'PASSKEY',
      claim: ticket.id,
      values: {
        ticket: ticket.id,
        ticket_expires_at: ticket.expiresAt,
        credential_id: credentialId,
        public_key: publicKey,
        user_handle: userHandle,
        counter: assertion.counter,
        backup_eligible: assertion.backupEligible,
        backed_up: assertion.backedUp,
      },
    },
    request,
  )
  return started && { step: 'started', started }
}
