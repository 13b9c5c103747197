import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { Prisma, PrismaClient } from '../generated/prisma/client.ts'
import { createPool, QUERY_TIMEOUT_MS } from './pool.ts'

export type Database = PrismaClient
/** The database or a transaction on it. */
export type Queryable = Prisma.TransactionClient

/**
 * The connections of a process. Prisma and the prepared statements share `pool`. Attempts are counted on
 * `countingPool`: a flood of attempts queues there, and looking up a session never waits behind it.
 */
export type Connections = { pool: pg.Pool; countingPool: pg.Pool; db: Database; close(): Promise<void> }

const APPLICATION_NAME = 'authograph'
/** Attempts on one network or account queue for one row, so more connections would only wait for each other. */
const COUNTING_CONNECTIONS = 3
/** A database that is just starting may take a moment. */
const CONNECT_AT_START_MS = 10_000

/** Fails within about `QUERY_TIMEOUT_MS` while the database does not answer. */
export function connect(url: string, poolSize: number, onIdleError: (error: Error) => void): Connections {
  const idle = new Set<pg.Client>()
  const openPool = (max: number) => {
    const options = { connectionString: url, max, keepAlive: true, application_name: APPLICATION_NAME }
    const opened = createPool(options, idle)
    // An idle connection that breaks would otherwise end the process.
    return opened.on('error', onIdleError)
  }
  const pool = openPool(poolSize)
  const countingPool = openPool(COUNTING_CONNECTIONS)
  const db = new PrismaClient({
    adapter: new PrismaPg(pool),
    transactionOptions: { maxWait: QUERY_TIMEOUT_MS },
  })
  return {
    pool,
    countingPool,
    db,
    close: async () => {
      await db.$disconnect()
      await Promise.all([pool.end(), countingPool.end()])
    },
  }
}

/** Runs `task` on two connections that wait as long as it takes, for what may take long: migrations. */
export async function withPatientPool<Result>(
  url: string,
  task: (pool: pg.Pool) => Promise<Result>,
): Promise<Result> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: CONNECT_AT_START_MS,
    keepAlive: true,
    application_name: APPLICATION_NAME,
  })
  pool.on('error', () => {})
  try {
    return await task(pool)
  } finally {
    await pool.end()
  }
}

/**
 * A statement that PostgreSQL parses once a connection: for the few that run with every request, where
 * Prisma's query building would cost more than the query. A row is the array of its columns.
 */
export function statement<Row extends unknown[] = unknown[]>(name: string, text: string) {
  return async (connection: pg.Pool | pg.PoolClient, values: unknown[]): Promise<Row[]> => {
    const result = await connection.query<Row>({ name, text, values, rowMode: 'array' })
    return result.rows
  }
}

/** Runs `task` on one connection of the pool. A connection on which it fails is not used again. */
export async function withConnection<Result>(
  pool: pg.Pool,
  task: (connection: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const connection = await pool.connect()
  try {
    const result = await task(connection)
    connection.release()
    return result
  } catch (error) {
    connection.release(true)
    throw error
  }
}

/** The columns of a row from `start` on, by the names of `fields`. */
export function toRecord<Result>(fields: string[], row: unknown[], start = 0): Result {
  const record: Record<string, unknown> = {}
  for (const [index, field] of fields.entries()) record[field] = row[start + index]
  return record as Result
}

/** The name of the unique index that an error is about, if it is about one. */
export function violatedUnique(error: unknown): string | undefined {
  if (error instanceof pg.DatabaseError) return error.code === '23505' ? error.constraint : undefined
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') return undefined
  return JSON.stringify(error.meta)
}

/** PostgreSQL's codes for a row that names another that is not there, and, since 18, for one that is still named. */
const FOREIGN_KEY = ['23503', '23001']

/** Whether an error says that a row names another that is not there (any more), or that is to be deleted. */
export function isForeignKeyViolation(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return FOREIGN_KEY.includes(error.code ?? '')
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false
  const adapterError = error.meta?.driverAdapterError as { cause?: { originalCode?: string } } | undefined
  return error.code === 'P2003' || FOREIGN_KEY.includes(adapterError?.cause?.originalCode ?? '')
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether `id` can name a row at all; PostgreSQL fails on what is not a UUID. */
export function isId(id: string): boolean {
  return UUID.test(id)
}
