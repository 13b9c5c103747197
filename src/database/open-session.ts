import type pg from 'pg'
import { keepsStatements, markShared, type PoolerMode, shareConnection } from './pooler.ts'
import type { Primary } from './primary.ts'
import { PrimaryClient } from './primary-client.ts'
import { readFacts } from './server-facts.ts'

/** In milliseconds. */
export type SessionLimits = { statement: number; idleInTransaction: number }

/** What a process knows about the pooler in front of its database. */
export type Pooler = {
  readonly mode: PoolerMode
  /** Whether it was found, by the latest connection. */
  shares: boolean
  /** Whether named statements can be used through it. */
  keepsStatements?: Promise<boolean> | undefined
}

/**
 * Prepares a new connection of a pool, usually in one round trip: finds out what it leads to, refuses it unless that is
 * the primary, and sets what the session needs. Behind a pooler, the limits are set for each transaction instead.
 * @throws NoPrimaryError
 */
export async function openSession(
  client: pg.Client,
  primary: Primary,
  pooler: Pooler,
  limits?: SessionLimits,
): Promise<void> {
  const server = client instanceof PrimaryClient ? client.server : undefined
  const { processID } = client as unknown as { processID: number }
  // Poolers pass on the time zone of a client. timestamp.ts is fast for times in UTC.
  const setup = limits ? `SET timezone = 'UTC'; ${sessionLimits(limits, pooler.mode, processID)}` : ''
  const facts = await readFacts(client, setup)
  primary.enter(client, server, facts)
  // A pooler tells its clients numbers of its own.
  pooler.shares = pooler.mode === 'transaction' || (pooler.mode === 'auto' && facts.pid !== processID)
  if (!pooler.shares) return
  markShared(client)
  primary.watch()
  if (!limits) return
  pooler.keepsStatements ??= keepsStatements(client).catch((error: unknown) => {
    pooler.keepsStatements = undefined
    throw error
  })
  const named = await pooler.keepsStatements
  shareConnection(client, { named, limits: transactionLimits(limits) })
  if (named) client.connection.on('errorMessage', forgetStatements(primary, pooler))
}

/** If the pooler was configured anew, named statements fail: those that are unknown, and those that exist already. */
function forgetStatements(primary: Primary, pooler: Pooler): (message: { code?: string }) => void {
  return ({ code = '' }) => {
    if (!['26000', '42P05'].includes(code)) return
    pooler.keepsStatements = undefined
    primary.leave('the pooler no longer keeps prepared statements')
  }
}

const STATEMENT = 'statement_timeout'
const IDLE = 'idle_in_transaction_session_timeout'

function sessionLimits(
  { statement, idleInTransaction }: SessionLimits,
  mode: PoolerMode,
  processId: number,
): string {
  if (mode === 'transaction') return ''
  // Settings of a shared connection would apply to its other clients, and PgBouncer refuses them as startup parameters.
  const where = mode === 'auto' ? `WHERE pg_backend_pid() = ${processId}` : ''
  return `SELECT set_config('${STATEMENT}', '${statement}', false), set_config('${IDLE}', '${idleInTransaction}', false) ${where};`
}

function transactionLimits({ statement, idleInTransaction }: SessionLimits): string {
  return `SET LOCAL ${STATEMENT} = ${statement}; SET LOCAL ${IDLE} = ${idleInTransaction}`
}
