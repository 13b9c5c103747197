import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { Prisma, PrismaClient } from '../generated/prisma/client.ts'
import type { Pooler } from './open-session.ts'
import { createPatientPool, createPool } from './pool.ts'
import type { PoolerMode } from './pooler.ts'
import { runPrepared } from './prepared-query.ts'
import { Primary } from './primary.ts'

export type Database = PrismaClient
/** The database or a transaction on it. */
export type Queryable = Prisma.TransactionClient

/**
 * The connections of a process. Prisma and the prepared statements share `pool`. Attempts are counted on
 * `countingPool`: a flood of attempts queues there, and looking up a session never waits behind it.
 */
export type Connections = { pool: pg.Pool; countingPool: pg.Pool; db: Database; close(): Promise<void> }

/** Attempts from one network or on one account lock the same row, so more connections would only wait for each other. */
const COUNTING_CONNECTIONS = 3

/** The longest that a transaction of several statements may take. */
const TRANSACTION_MS = 5000

/** Where the database is, and how to talk to it. */
export type DatabaseOptions = {
  url: string
  pooler: PoolerMode
  /** Called when connections are closed because their server is not the primary. */
  onChange?: (reason: string) => void
}

/** Opens the pools. Statements fail within about `timeoutMs` if the database does not answer. */
export function connect(
  options: DatabaseOptions,
  { poolSize, timeoutMs }: { poolSize: number; timeoutMs: number },
  onIdleError: (error: Error) => void,
): Connections {
  const { primary, pooler } = locate(options)
  const idle = new Set<pg.Client>()
  // An idle connection that breaks would otherwise end the process.
  const openPool = (max: number) =>
    createPool(primary, pooler, { max, timeoutMs }, idle).on('error', onIdleError)
  const pool = openPool(poolSize)
  const countingPool = openPool(COUNTING_CONNECTIONS)
  const db = new PrismaClient({
    adapter: new PrismaPg(pool),
    transactionOptions: { maxWait: timeoutMs, timeout: Math.max(TRANSACTION_MS, timeoutMs) },
  })
  return {
    pool,
    countingPool,
    db,
    close: async () => {
      await db.$disconnect()
      await Promise.all([pool.end(), countingPool.end()])
      primary.stop()
    },
  }
}

/** Runs `task` with a pool of two connections without a statement timeout, for migrations. */
export async function withPatientPool<Result>(
  options: DatabaseOptions,
  task: (pool: pg.Pool) => Promise<Result>,
): Promise<Result> {
  const { primary, pooler } = locate(options)
  const pool = createPatientPool(primary, pooler)
  try {
    return await task(pool)
  } finally {
    await pool.end()
    primary.stop()
  }
}

function locate({ url, pooler, onChange }: DatabaseOptions): { primary: Primary; pooler: Pooler } {
  const primary = new Primary(url, onChange)
  const mode = pooler === 'auto' && primary.url.isPooled ? 'transaction' : pooler
  return { primary, pooler: { mode, shares: false } }
}

/**
 * A prepared statement, which PostgreSQL parses once per connection. For the few statements that run with every
 * request, where Prisma's query building would cost more than the query. Each row is an array of its columns.
 */
export function statement<Row extends unknown[] = unknown[]>(name: string, text: string) {
  return (connection: pg.Pool | pg.PoolClient, values: unknown[]): Promise<Row[]> =>
    runPrepared<Row>(connection, name, text, values)
}

/** Runs `task` on one connection of the pool. If it fails, the connection is closed. */
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

/** Runs `task` in a transaction on one connection of the pool. If it fails, nothing of it remains. */
export function inTransaction<Result>(
  pool: pg.Pool,
  task: (connection: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return withConnection(pool, async connection => {
    await connection.query('BEGIN')
    const result = await task(connection)
    await connection.query('COMMIT')
    return result
  })
}

/**
 * Returns a function that converts the columns of a row, from `start` on, to a record with these field names. Each
 * record also has the fields of `others`.
 */
export function recordReader<Result extends object, Others extends object = object>(
  fields: readonly string[],
  others?: Others,
): (row: unknown[], start: number) => Result & Others {
  // A copy of an object that has all fields is allocated once. Without it, each record grows many times as it is filled.
  const template: Record<string, unknown> = Object.fromEntries(fields.map(field => [field, undefined]))
  Object.assign(template, others)
  return (row, start) => {
    const record = { ...template }
    let index = start
    for (const field of fields) record[field] = row[index++]
    return record as Result & Others
  }
}

/** The unique index that an error says was violated, if any. */
export function violatedUnique(error: unknown): string | undefined {
  if (error instanceof pg.DatabaseError) return error.code === '23505' ? error.constraint : undefined
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') return undefined
  return JSON.stringify(error.meta)
}

/** PostgreSQL's codes for a reference to a missing row and, since version 18, for deleting a referenced row. */
const FOREIGN_KEY = ['23503', '23001']

/** Whether an error reports a reference to a missing row, or the deletion of a referenced one. */
export function isForeignKeyViolation(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return FOREIGN_KEY.includes(error.code ?? '')
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false
  const adapterError = error.meta?.driverAdapterError as { cause?: { originalCode?: string } } | undefined
  return error.code === 'P2003' || FOREIGN_KEY.includes(adapterError?.cause?.originalCode ?? '')
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether `id` is a UUID; PostgreSQL fails on anything else. */
export function isId(id: string): boolean {
  return UUID.test(id)
}
