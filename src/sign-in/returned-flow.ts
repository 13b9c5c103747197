import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { FlowSecrets, ProviderProfile } from '../credentials/provider/provider.ts'
import { openTicket, sealTicket, TICKETS } from '../crypto/ticket.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { newId } from '../database/new-id.ts'
import { togetherFor } from '../database/together.ts'
import { SIGN_INS_MAX } from '../end-of-turn.ts'
import type { ProviderFlow } from '../generated/prisma/client.ts'
import { hashOf, newSecret } from '../one-time-tokens/token.ts'
import type { StoredSecrets } from './begin-flow.ts'
import { openState } from './flow-state.ts'
import { rememberOutcome } from './known-outcome.ts'
import { packProfile } from './packed-profile.ts'
import { FLOW_TTL_SECONDS, flowColumns, flowSelection, toFlow } from './provider-flow.ts'

/** How long the client has to use the code that the callback hands it. */
const CODE_TTL_SECONDS = 300
const STORED = { stored: true } as const

/** A flow whose browser is back from the provider. */
export type ReturnedFlow = { flow: ProviderFlow; secrets: FlowSecrets; returnTo: string }

/**
 * Uses up the state of a flow. Of callbacks with the same state, one statement lets one continue, so that there is one
 * exchange at most. Undefined if the state is unknown, expired or used before.
 */
export async function consumeFlow(app: App, state: string): Promise<ReturnedFlow | undefined> {
  const carried = openState(app.keys.ticket, state, app.clock.now())
  if (!carried) return consumeStored(app, state)
  const { returnTo, secrets, provider, codeChallenge, expiresAt } = carried
  const flow: ProviderFlow = {
    id: newId(),
    stateHash: hashOf(state),
    purpose: 'sign-in',
    provider,
    userId: null,
    sessionId: null,
    codeChallenge,
    boundHash: secrets.boundTo === undefined ? null : hashOf(secrets.boundTo),
    // The state had it all.
    sealed: '',
    codeHash: null,
    sealedOutcome: null,
    createdAt: addSeconds(expiresAt, -FLOW_TTL_SECONDS),
    // The row stays as long as the state could come again.
    expiresAt,
    consumedAt: app.clock.now(),
    completedAt: null,
  }
  return (await claims(app, flow)) ? { flow, secrets, returnTo } : undefined
}

const claim = statement<[id: string]>(
  'claim-provider-flows',
  `${insertSql('provider_flows', flowColumns, 1)} ON CONFLICT (state_hash) DO NOTHING RETURNING id`,
)

/** Stores flows that have begun without a row, those of one turn of the event loop together. Each state only once. */
const claims = sharedStatement<ProviderFlow>(async (app, flows) => {
  const rows = await claim(app.pool, [toRows(flowColumns, ...flows)])
  return new Set(rows.map(([id]) => id))
})

const consume = statement(
  'consume-provider-flow',
  `UPDATE provider_flows SET consumed_at = $2
   WHERE state_hash = $1 AND consumed_at IS NULL AND expires_at > $2 RETURNING ${flowSelection}`,
)

async function consumeStored(app: App, state: string): Promise<ReturnedFlow | undefined> {
  const now = app.clock.now()
  const [row] = await consume(app.pool, [hashOf(state), now])
  const flow = toFlow(row)
  const { ticket } = app.keys
  const opened = flow && openTicket<StoredSecrets>(ticket, TICKETS.providerFlow, flow.sealed, now, STORED)
  if (!opened) return undefined
  const { returnTo, ...secrets } = opened.payload
  return { flow, secrets: { state, ...secrets }, returnTo }
}

/** Whether the browser that is back is the one that began the flow, as far as the flow is bound to one. */
export function isBoundTo({ boundHash }: ProviderFlow, cookie: string | undefined): boolean {
  if (boundHash === null) return true
  return cookie !== undefined && Buffer.from(boundHash).equals(hashOf(cookie))
}

const answerColumns = {
  id: flowColumns.id,
  codeHash: flowColumns.codeHash,
  sealedOutcome: flowColumns.sealedOutcome,
  expiresAt: flowColumns.expiresAt,
}
type Answer = { id: string; codeHash: Uint8Array; sealedOutcome: string; expiresAt: Date }

const answer = statement<[id: string]>(
  'answer-provider-flows',
  `UPDATE provider_flows f SET code_hash = r.code_hash, sealed_outcome = r.sealed_outcome,
     expires_at = greatest(f.expires_at, r.expires_at)
   FROM (SELECT * FROM jsonb_populate_recordset(NULL::provider_flows, $1::jsonb) LIMIT ${SIGN_INS_MAX}) r
   WHERE f.id = r.id RETURNING f.id`,
)

const answers = sharedStatement<Answer>(async (app, flows) => {
  const rows = await answer(app.pool, [toRows(answerColumns, ...flows)])
  return new Set(rows.map(([id]) => id))
})

/** Keeps what the provider said, and returns the code with which the client of the flow completes it. */
export async function answerFlow(
  app: App,
  { id, purpose, codeChallenge }: Pick<ProviderFlow, 'id' | 'purpose' | 'codeChallenge'>,
  profile: ProviderProfile,
): Promise<string> {
  const code = newSecret()
  const expiresAt = addSeconds(app.clock.now(), CODE_TTL_SECONDS)
  // Its own time is that of the code. The row can stay longer.
  const sealedOutcome = sealTicket(app.keys.ticket, TICKETS.providerOutcome, packProfile(profile), expiresAt)
  const codeHash = hashOf(code)
  await answers(app, { id, codeHash, sealedOutcome, expiresAt })
  if (purpose === 'sign-in') rememberOutcome(app, codeHash, { flowId: id, codeChallenge, profile, expiresAt })
  return code
}

/** Runs one statement for all flows of a turn of the event loop. Each gets whether its ID is in the result. */
function sharedStatement<Flow extends { id: string }>(
  run: (app: App, flows: readonly Flow[]) => Promise<Set<string>>,
): (app: App, flow: Flow) => Promise<boolean> {
  return togetherFor(async (app: App, flows: readonly Flow[]) => {
    const ids = await run(app, flows)
    return flows.map(({ id }) => ids.has(id))
  }, SIGN_INS_MAX)
}
