import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { FlowSecrets } from '../credentials/provider/provider.ts'
import { sealTicket, TICKETS } from '../crypto/ticket.ts'
import { statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { newId } from '../database/new-id.ts'
import type { ProviderFlow } from '../generated/prisma/client.ts'
import { hashOf, newSecret } from '../one-time-tokens/token.ts'
import { type DerivedSecrets, sealState } from './flow-state.ts'
import { FLOW_TTL_SECONDS, type FlowPurpose, flowColumns } from './provider-flow.ts'

/** What a stored flow keeps sealed between its start and its callback, besides the state, of which it keeps the hash. */
export type StoredSecrets = Omit<FlowSecrets, 'state'> & { returnTo: string }

export type NewFlow = {
  purpose: FlowPurpose
  provider: string
  /** Who is signed in, and with which session, for a link or a reauthentication. */
  viewer: { userId: string; sessionId: string } | undefined
  codeChallenge: string
  returnTo: string
  /** Whether the browser that began it must be the one that comes back. */
  isBound: boolean
}

/** A flow that has begun. `store` must have been called before its address is handed out. */
export type BegunFlow = { secrets: DerivedSecrets; expiresAt: Date; store: () => Promise<void> }

/**
 * Begins a flow. That of a sign-in is sealed in its own state, so a stranger's start writes nothing; only the callback
 * does. That of someone who is signed in is stored, so that it ends with the account.
 */
export function beginFlow(app: App, flow: NewFlow): BegunFlow {
  const expiresAt = addSeconds(app.clock.now(), FLOW_TTL_SECONDS)
  const { provider, codeChallenge, returnTo, isBound } = flow
  const carried = { provider, codeChallenge, returnTo, expiresAt, isBound }
  const sealed = flow.viewer ? undefined : sealState(app.keys.ticket, carried)
  if (sealed) return { secrets: sealed, expiresAt, store: async () => {} }
  const secrets = {
    state: newSecret(),
    nonce: newSecret(),
    verifier: newSecret(),
    boundTo: isBound ? newSecret() : undefined,
  }
  return { secrets, expiresAt, store: () => storeFlow(app, flow, secrets, expiresAt) }
}

const insert = statement('begin-provider-flow', insertSql('provider_flows', flowColumns, 1))

/** Stores a flow that begins. A copy of the database contains nothing that could continue it. */
async function storeFlow(
  app: App,
  { viewer, returnTo, purpose, provider, codeChallenge }: NewFlow,
  { state, nonce, verifier, boundTo }: DerivedSecrets,
  expiresAt: Date,
): Promise<void> {
  const sealed: StoredSecrets = { nonce, verifier, returnTo }
  const row: ProviderFlow = {
    id: newId(),
    purpose,
    provider,
    codeChallenge,
    stateHash: hashOf(state),
    userId: viewer?.userId ?? null,
    sessionId: viewer?.sessionId ?? null,
    boundHash: boundTo === undefined ? null : hashOf(boundTo),
    sealed: sealTicket(app.keys.ticket, TICKETS.providerFlow, sealed, expiresAt),
    codeHash: null,
    sealedOutcome: null,
    createdAt: app.clock.now(),
    expiresAt,
    consumedAt: null,
    completedAt: null,
  }
  await insert(app.pool, [toRows(flowColumns, row)])
}
