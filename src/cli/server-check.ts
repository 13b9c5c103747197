import type { TLSSocket } from 'node:tls'
import type pg from 'pg'
import { isShared, keepsStatements } from '../database/pooler.ts'
import type { PrimaryClient } from '../database/primary-client.ts'
import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

/** Which server is used, whether anyone on the way can read along, and whether a pooler is in between. */
export async function checkServer({ pool }: DatabaseContext): Promise<Finding[]> {
  const client = await pool.connect()
  try {
    // The pool has refused every other kind of server.
    return [
      ok(`${(client as pg.PoolClient & PrimaryClient).server?.name} is the primary.`),
      tls(client),
      await pooler(client),
    ]
  } finally {
    client.release()
  }
}

function tls(client: pg.PoolClient): Finding {
  const { stream } = (client as pg.PoolClient & PrimaryClient).connection
  const socket = stream as unknown as TLSSocket & { remoteAddress?: string }
  if (socket.encrypted) {
    const version = socket.getProtocol() ?? 'TLS'
    if (socket.authorized)
      return ok(`The connection uses ${version}, and the certificate of the server is verified.`)
    return warn(
      `The connection uses ${version}, but the certificate of the server is not verified.`,
      'Add sslmode=verify-full to DATABASE_URL, and sslrootcert if its authority is your own.',
    )
  }
  const { remoteAddress = '' } = socket
  const isLocal = remoteAddress === '' || remoteAddress === '::1' || /^(::ffff:)?127\./.test(remoteAddress)
  if (isLocal) return ok('The connection has no TLS and stays on this machine.')
  return warn(
    `The connection to ${remoteAddress} has no TLS.`,
    'Enable TLS on the database server, and add sslmode=verify-full to DATABASE_URL.',
  )
}

async function pooler(client: pg.PoolClient): Promise<Finding> {
  if (!isShared(client)) return ok('No pooler shares the connection.')
  if (await keepsStatements(client))
    return ok('A pooler shares the connection, and keeps prepared statements.')
  return warn(
    'A pooler shares the connection and keeps no prepared statements, so PostgreSQL parses every statement again.',
    'Use PgBouncer 1.21 or newer with max_prepared_statements, or connect without the pooler.',
  )
}
