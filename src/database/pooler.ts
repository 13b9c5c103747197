import { randomBytes } from 'node:crypto'
import pg from 'pg'

/**
 * What is between this process and PostgreSQL. `auto`: found out. `session`: nothing, or a pooler that gives each client
 * a connection of its own. `transaction`: a pooler that gives out a connection for each transaction.
 */
export type PoolerMode = 'auto' | 'session' | 'transaction'

const shared = new WeakSet<object>()

/** Whether a pooler may run the next transaction of this client on another connection. */
export function isShared(client: object): boolean {
  return shared.has(client)
}

export function markShared(client: object): void {
  shared.add(client)
}

/**
 * Whether a named statement can be used again after its transaction. A pooler that supports this gives the statement a
 * name of its own on the server (PgBouncer since 1.21: `max_prepared_statements`). One that does not would pass on the
 * name, and other clients of the same server connection could run that statement in place of theirs.
 */
export async function keepsStatements(client: pg.ClientBase): Promise<boolean> {
  const name = `authograph-${randomBytes(8).toString('hex')}`
  await client.query('BEGIN')
  try {
    const { rowCount } = await client.query({
      name,
      text: 'SELECT FROM pg_prepared_statements WHERE name = $1',
      values: [name],
    })
    // Otherwise it would stay on the server, for all its clients.
    if (rowCount) await client.query(`DEALLOCATE ${pg.escapeIdentifier(name)}`)
    await client.query('COMMIT')
    return !rowCount
  } catch (error) {
    await client.query('ROLLBACK')
    if (error instanceof pg.DatabaseError) return false
    throw error
  }
}

type Query = (...args: unknown[]) => unknown
type Statement = { name?: string; text?: string }

/**
 * Keeps a client of a pooler from leaving anything on a connection that it shares: its statements have no names, unless
 * the pooler keeps them apart, and the limits of a transaction end with it.
 */
export function shareConnection(
  client: pg.Client,
  { named, limits }: { named: boolean; limits: string },
): void {
  const query = client.query.bind(client) as Query
  const begin = `BEGIN; ${limits}`
  const shared: Query = (first, ...rest) => {
    if (typeof first === 'string') return query(first === 'BEGIN' ? begin : first, ...rest)
    const { name, text } = first as Statement
    // Prisma's. Without values, pg accepts several statements.
    if (text === 'BEGIN') return query({ ...(first as Statement), text: begin }, ...rest)
    return query(name === undefined || named ? first : { ...(first as Statement), name: undefined }, ...rest)
  }
  client.query = shared as typeof client.query
}

/** Asks the pooler to cancel what the client waits for. Returns whether it could be asked. */
export async function cancelStatement(client: pg.Client, aim: (client: pg.Client) => void): Promise<boolean> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const canceler = new pg.Client()
  aim(canceler)
  const connection = canceler.connection as unknown as Canceler
  return new Promise(resolve => {
    const timer = setTimeout(() => end(false), CANCEL_MS)
    const end = (reached: boolean) => {
      clearTimeout(timer)
      resolve(reached)
      connection.stream.destroy()
    }
    connection.on('error', () => end(false))
    // The server closes the connection once it has passed on the request.
    connection.on('end', () => end(true))
    const ask = () => connection.cancel(processID, secretKey)
    connection.on('connect', () => (connection.ssl ? connection.requestSsl() : ask()))
    connection.on('sslconnect', ask)
    const { host, port } = canceler
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
    else connection.connect(port, host)
  })
}

const CANCEL_MS = 300

/** What pg itself uses to cancel; its types leave it out. */
type Canceler = {
  ssl: unknown
  stream: { destroy(): void }
  on(event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): void
  connect(portOrPath: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
}
