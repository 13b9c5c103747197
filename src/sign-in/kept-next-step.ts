import type pg from 'pg'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import { openTicket, sealTicket, TICKETS } from '../crypto/ticket.ts'
import { statement } from '../database/client.ts'
import type { ProviderFlow } from '../generated/prisma/client.ts'
import type { Continued } from './finish-sign-in.ts'
import { REPEAT_SECONDS } from './provider-flow.ts'

type Kept = Omit<Continued, 'expiresAt'> & { expiresAtMs: number }

const keep = statement(
  'keep-provider-next-step',
  'UPDATE provider_flows SET sealed_outcome = $2 WHERE id = $1',
)

/**
 * Keeps the next step that a flow led to, in the transaction that completes the flow. A repeated completion gets the same
 * ticket, which is single-use, so one code never starts two sessions.
 */
export async function keepNextStep(
  app: App,
  connection: pg.PoolClient,
  { id }: Pick<ProviderFlow, 'id'>,
  { expiresAt, ...next }: Continued,
): Promise<void> {
  const kept: Kept = { ...next, expiresAtMs: expiresAt.getTime() }
  const until = addSeconds(app.clock.now(), REPEAT_SECONDS)
  await keep(connection, [id, sealTicket(app.keys.ticket, TICKETS.providerNextStep, kept, until)])
}

/** The next step that a completed flow led to, as long as its answer can be repeated. */
export function keptNextStep(
  app: App,
  { sealedOutcome }: Pick<ProviderFlow, 'sealedOutcome'>,
): Continued | undefined {
  if (sealedOutcome === null) return undefined
  const { ticket: key } = app.keys
  const now = app.clock.now()
  const opened = openTicket<Kept>(key, TICKETS.providerNextStep, sealedOutcome, now, { stored: true })
  if (!opened) return undefined
  const { expiresAtMs, ...next } = opened.payload
  return { ...next, expiresAt: new Date(expiresAtMs) }
}
