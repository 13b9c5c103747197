import pg from 'pg'
import { Prisma } from '../generated/prisma/client.ts'
import { NoPrimaryError } from './primary.ts'

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
])
/** PostgreSQL's classes for lost connections (08), too few resources (53) and operator intervention (57). */
const SERVER_CLASSES = new Set(['08', '53', '57'])
/** idle_in_transaction_session_timeout: this process was blocked for too long, and PostgreSQL closed the connection. */
const IDLE_IN_TRANSACTION = '25P03'
/** read_only_sql_transaction: the server is not the primary any more, or accepts no writes for now. */
const READ_ONLY = '25006'
/** Prisma's codes: unreachable, timed out, closed, no free connection, transaction could not start. */
const PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037'])
/** Errors of pg that have no code. */
const PG_MESSAGES =
  /timeout exceeded when trying to connect|timeout expired|Query read timeout|Connection terminated|connection fell silent|Client has encountered a connection error|connection is closed/i

/** Whether an error means that the database is unreachable or unusable at the moment, so that a retry may succeed. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof NoPrimaryError) return true
  if (error instanceof pg.DatabaseError) return isServerCode(error.code)
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    return PRISMA.has(error.code) || isDriverUnavailable(error.meta?.driverAdapterError)
  }
  const { code } = error as NodeJS.ErrnoException
  return (code !== undefined && NETWORK.has(code)) || PG_MESSAGES.test(error.message)
}

function isServerCode(code = ''): boolean {
  return SERVER_CLASSES.has(code.slice(0, 2)) || code === IDLE_IN_TRANSACTION || code === READ_ONLY
}

/** Checks the driver adapter's description of an error for which Prisma has no code. */
function isDriverUnavailable(error: unknown): boolean {
  const { kind, originalCode } =
    (error as { cause?: { kind?: string; originalCode?: string } } | undefined)?.cause ?? {}
  return kind === 'DatabaseNotReachable' || isServerCode(originalCode)
}
