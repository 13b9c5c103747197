import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { RequestInfo } from '../context.ts'
import { isDemanded } from '../credentials/demand.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import type { Device } from '../devices/device.ts'
import { SIGN_INS_MAX } from '../end-of-turn.ts'
import type { SessionWithAccount } from '../sessions/find-session.ts'
import { REPEAT_SECONDS } from './provider-flow.ts'
import { startsTogether } from './start-together.ts'

/** The account that has the identity, if it demands no second factor. As usedIdentity and completedFlow. */
const start = startsTogether({
  name: 'provider',
  max: SIGN_INS_MAX,
  columns: [
    'issuer text',
    'subject text',
    'email text',
    'display_name text',
    'flow_id uuid',
    'repeatable_until timestamptz',
  ],
  found: {
    from: `JOIN identities i ON i.issuer = a.issuer AND i.subject = a.subject JOIN users u ON u.id = i.user_id`,
    columns: 'i.id AS identity_id',
    where: `NOT ${isDemanded('a.trusted_hash', 'a.at')}`,
  },
  held: {
    join: `JOIN identities i ON i.id = s.identity_id AND i.user_id = s.user_id
      JOIN provider_flows f ON f.id = s.flow_id`,
    of: 'i, f',
    where: 'f.completed_at IS NULL',
  },
  changes: `used AS (
      UPDATE identities i SET last_used_at = room.at, email = coalesce(room.email, i.email),
        display_name = coalesce(room.display_name, i.display_name)
      FROM room WHERE i.id = room.identity_id
    ), completed AS (
      UPDATE provider_flows f SET completed_at = room.at, session_id = room.session_id, sealed_outcome = NULL,
        expires_at = greatest(f.expires_at, room.repeatable_until)
      FROM room WHERE f.id = room.flow_id
    )`,
  session: { identity_id: 'room.identity_id' },
})

export type FlowSignIn = {
  profile: ProviderProfile
  /** The flow that the sign-in completes. */
  flowId: string
  /** The ID of the session that starts. */
  sessionId: string
  device: Device
  remember: boolean
  deviceName: string | null | undefined
}

/**
 * Signs in the person whom a provider has proved, in one statement. Undefined if that is not possible, for whatever
 * reason: nothing has changed then, and the step-by-step way decides.
 */
export async function startWithProvider(
  app: App,
  { profile, flowId, sessionId, device, remember, deviceName }: FlowSignIn,
  request: RequestInfo,
): Promise<SessionWithAccount | undefined> {
  const { issuer, subject, email, displayName, provider, sid, tokens } = profile
  // New tokens may continue those that are stored.
  if (tokens) return undefined
  return start(
    app,
    {
      method: 'PROVIDER',
      sessionId,
      device,
      remember,
      deviceName,
      claim: flowId,
      provider: { id: provider, sid },
      values: {
        issuer,
        subject,
        email,
        display_name: displayName,
        flow_id: flowId,
        repeatable_until: addSeconds(app.clock.now(), REPEAT_SECONDS),
      },
    },
    request,
  )
}
