import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { Claim } from '../credentials/proof.ts'
import { challengeOf } from '../credentials/provider/authorize.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { openTicket, TICKETS } from '../crypto/ticket.ts'
import { recordReader, statement } from '../database/client.ts'
import type { Columns } from '../database/insert.ts'
import { AuthError } from '../errors.ts'
import type { ProviderFlow } from '../generated/prisma/client.ts'
import { hashOf } from '../one-time-tokens/token.ts'
import { unpackProfile } from './packed-profile.ts'

/** How long a person may take at the provider. */
export const FLOW_TTL_SECONDS = 900
/** How long the answer of a completion can be repeated, in case it was lost. */
export const REPEAT_SECONDS = 60
const LABEL_BYTES = 6
const STORED = { stored: true } as const

/** What a flow is for. One never completes another. */
export type FlowPurpose = 'sign-in' | 'link' | 'reauthentication'

export const flowColumns = {
  id: 'id',
  stateHash: 'state_hash',
  purpose: 'purpose',
  provider: 'provider',
  userId: 'user_id',
  sessionId: 'session_id',
  codeChallenge: 'code_challenge',
  boundHash: 'bound_hash',
  sealed: 'sealed',
  codeHash: 'code_hash',
  sealedOutcome: 'sealed_outcome',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  consumedAt: 'consumed_at',
  completedAt: 'completed_at',
} as const satisfies Columns<keyof ProviderFlow>

const readFlow = recordReader<ProviderFlow>(Object.keys(flowColumns))

/** The columns of a flow, for `toFlow`. */
export const flowSelection = Object.values(flowColumns).join(', ')

/** The flow in a row of `flowSelection`. */
export function toFlow(row: unknown[] | undefined): ProviderFlow | undefined {
  return row && readFlow(row, 0)
}

/** Names the flow of a state to its browser. Reveals nothing of the state. */
export function labelOfState(state: string): string {
  return Buffer.from(hashOf(state)).toString('hex', 0, LABEL_BYTES)
}

const findByCode = statement(
  'provider-flow-by-code',
  `SELECT ${flowSelection} FROM provider_flows WHERE code_hash = $1 AND expires_at > $2`,
)

export type RedeemedFlow = ProviderFlow & {
  /** What the provider said; undefined if the flow has been completed. */
  profile: ProviderProfile | undefined
}

/**
 * The flow of a code, for the client that began it (RFC 7636). Completing it is up to the caller: see `completedFlow`.
 * @throws AuthError TOKEN_INVALID
 */
export async function redeemCode(
  app: App,
  purpose: FlowPurpose,
  { code, codeVerifier }: { code: string; codeVerifier: string },
): Promise<RedeemedFlow> {
  const now = app.clock.now()
  const [row] = await findByCode(app.pool, [hashOf(code), now])
  const flow = toFlow(row)
  if (!flow || flow.purpose !== purpose) throw flowEnded('no such code')
  if (challengeOf(codeVerifier) !== flow.codeChallenge) throw flowEnded('wrong verifier')
  const { sealedOutcome } = flow
  const opened =
    sealedOutcome === null
      ? undefined
      : openTicket<unknown>(app.keys.ticket, TICKETS.providerOutcome, sealedOutcome, now, STORED)
  return { ...flow, profile: opened && unpackProfile(opened.payload) }
}

/** Uses up a flow when the session `sessionId` starts, or when the session that began the flow changes. */
export function completedFlow(app: App, { id }: Pick<ProviderFlow, 'id'>, sessionId: string): Claim {
  const now = app.clock.now()
  return {
    name: 'provider-flow',
    sql: first =>
      `UPDATE provider_flows SET completed_at = $${first}::timestamptz, session_id = $${first + 1}::uuid,
         sealed_outcome = NULL, expires_at = greatest(expires_at, $${first + 2}::timestamptz)
       FROM account WHERE provider_flows.id = $${first + 3}::uuid AND completed_at IS NULL RETURNING 1`,
    values: [now, sessionId, addSeconds(now, REPEAT_SECONDS), id],
    lost: () => flowEnded('completed before'),
  }
}

const handOver = statement(
  'hand-over-provider-flow',
  'UPDATE provider_flows SET completed_at = $2 WHERE id = $1 AND completed_at IS NULL',
)

/** Uses up a flow that ends in a ticket instead of a session. From now on, it starts none. */
export async function handOverFlow(app: App, { id }: Pick<ProviderFlow, 'id'>): Promise<void> {
  await handOver(app.pool, [id, app.clock.now()])
}

/** Whether the answer of the flow's completion can be repeated, because its client may not have received it. */
export function isRepeatable(app: App, { completedAt }: ProviderFlow): boolean {
  return completedAt !== null && addSeconds(completedAt, REPEAT_SECONDS) > app.clock.now()
}

/** The code, the flow or the ticket is wrong, or no longer fits. `cause` is for the log. */
export function flowEnded(cause: string): AuthError {
  const message = 'This sign-in has expired or was already completed. Start again.'
  return new AuthError('TOKEN_INVALID', { message, cause })
}
