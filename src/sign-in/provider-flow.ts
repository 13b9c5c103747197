import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { Claim } from '../credentials/proof.ts'
import type { FlowSecrets, ProviderProfile } from '../credentials/provider/provider.ts'
import { openTicket, sealTicket, TICKETS } from '../crypto/ticket.ts'
import { recordReader, statement } from '../database/client.ts'
import { type Columns, insertSql, toRows } from '../database/insert.ts'
import { newId } from '../database/new-id.ts'
import { AuthError } from '../errors.ts'
import type { ProviderFlow } from '../generated/prisma/client.ts'
import { hashOf, newSecret } from '../one-time-tokens/token.ts'
import { packProfile, unpackProfile } from './packed-profile.ts'

/** How long a person may take at the provider. */
export const FLOW_TTL_SECONDS = 900
/** How long the client has to use the code that the callback hands it. */
const CODE_TTL_SECONDS = 300
/** How long the answer of a completion can be repeated, in case it was lost. */
export const REPEAT_SECONDS = 60
const LABEL_BYTES = 6
const STORED = { stored: true } as const

/** What a flow is for. One never completes another. */
export type FlowPurpose = 'sign-in' | 'link' | 'reauthentication'

const flowColumns = {
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
const columns = Object.values(flowColumns).join(', ')
const toFlow = (row: unknown[] | undefined) => row && readFlow(row, 0)

/** What a flow keeps sealed between its start and its callback, besides the state, of which it keeps only the hash. */
type Sealed = Omit<FlowSecrets, 'state'> & { returnTo: string }

export type NewFlow = {
  purpose: FlowPurpose
  provider: string
  /** Who is signed in, and with which session, for a link or a reauthentication. */
  viewer: { userId: string; sessionId: string } | undefined
  codeChallenge: string
  /** The cookie that the browser must send to the callback; undefined for apps. */
  boundTo: string | undefined
  returnTo: string
}

/** Names the flow of a state to its browser. Reveals nothing of the state. */
export function labelOfState(state: string): string {
  return Buffer.from(hashOf(state)).toString('hex', 0, LABEL_BYTES)
}

/** The secrets that a flow uses at the provider. */
export function newFlowSecrets(): FlowSecrets {
  return { state: newSecret(), nonce: newSecret(), verifier: newSecret() }
}

const insert = statement('begin-provider-flow', insertSql('provider_flows', flowColumns, 1))

/** Stores a flow that begins. A copy of the database contains nothing that could continue it. */
export async function beginFlow(
  app: App,
  { viewer, boundTo, returnTo, ...flow }: NewFlow,
  { state, nonce, verifier }: FlowSecrets,
): Promise<{ expiresAt: Date }> {
  const createdAt = app.clock.now()
  const expiresAt = addSeconds(createdAt, FLOW_TTL_SECONDS)
  const sealed: Sealed = { nonce, verifier, returnTo }
  const row: ProviderFlow = {
    ...flow,
    id: newId(),
    stateHash: hashOf(state),
    userId: viewer?.userId ?? null,
    sessionId: viewer?.sessionId ?? null,
    boundHash: boundTo === undefined ? null : hashOf(boundTo),
    sealed: sealTicket(app.keys.ticket, TICKETS.providerFlow, sealed, expiresAt),
    codeHash: null,
    sealedOutcome: null,
    createdAt,
    expiresAt,
    consumedAt: null,
    completedAt: null,
  }
  await insert(app.pool, [toRows(flowColumns, row)])
  return { expiresAt }
}

/** A flow whose browser is back from the provider. */
export type ReturnedFlow = ProviderFlow & { secrets: FlowSecrets; returnTo: string }

const consume = statement(
  'consume-provider-flow',
  `UPDATE provider_flows SET consumed_at = $2
   WHERE state_hash = $1 AND consumed_at IS NULL AND expires_at > $2 RETURNING ${columns}`,
)

/**
 * Uses up the state of a flow. Of callbacks with the same state, one statement lets one continue, so that there is one
 * exchange at most. Undefined if the state is unknown, expired or used before.
 */
export async function consumeFlow(app: App, state: string): Promise<ReturnedFlow | undefined> {
  const now = app.clock.now()
  const [row] = await consume(app.pool, [hashOf(state), now])
  const flow = toFlow(row)
  const opened = flow && openTicket<Sealed>(app.keys.ticket, TICKETS.providerFlow, flow.sealed, now, STORED)
  if (!opened) return undefined
  const { returnTo, ...secrets } = opened.payload
  return { ...flow, secrets: { state, ...secrets }, returnTo }
}

/** Whether the browser that is back is the one that began the flow, as far as the flow is bound to one. */
export function isBoundTo({ boundHash }: ProviderFlow, cookie: string | undefined): boolean {
  if (boundHash === null) return true
  return cookie !== undefined && Buffer.from(boundHash).equals(hashOf(cookie))
}

const answer = statement(
  'answer-provider-flow',
  'UPDATE provider_flows SET code_hash = $2, sealed_outcome = $3, expires_at = $4 WHERE id = $1',
)

/** Keeps what the provider said, and returns the code with which the client of the flow completes it. */
export async function answerFlow(
  app: App,
  { id }: Pick<ProviderFlow, 'id'>,
  profile: ProviderProfile,
): Promise<string> {
  const code = newSecret()
  const expiresAt = addSeconds(app.clock.now(), CODE_TTL_SECONDS)
  const outcome = sealTicket(app.keys.ticket, TICKETS.providerOutcome, packProfile(profile), expiresAt)
  await answer(app.pool, [id, hashOf(code), outcome, expiresAt])
  return code
}

const findByCode = statement(
  'provider-flow-by-code',
  `SELECT ${columns} FROM provider_flows WHERE code_hash = $1 AND expires_at > $2`,
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
  if (Buffer.from(hashOf(codeVerifier)).toString('base64url') !== flow.codeChallenge)
    throw flowEnded('wrong verifier')
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
