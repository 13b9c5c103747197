import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A migration that this version brings. */
export type Migration = {
  name: string
  sql: string
  /** The statements of a migration that runs outside a transaction; undefined for all others. */
  statements: string[] | undefined
}

// Two levels up both from src/database and from dist/database.
export const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))

/** The first line of a migration that runs outside a transaction. */
const MARK = '-- authograph: no transaction'

/** All migrations of the folder, in order. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = await migrationNames(folder)
  return Promise.all(names.map(name => readMigration(folder, name)))
}

export async function migrationNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
}

async function readMigration(folder: string, name: string): Promise<Migration> {
  const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8')
  return { name, sql, statements: sql.startsWith(MARK) ? splitRepeatable(name, sql) : undefined }
}

/**
 * The statements of a migration that may be interrupted after each of them and within each of them, and then starts
 * again with the first.
 *
 * @throws when a statement cannot be repeated, or cannot be told apart from the next
 */
function splitRepeatable(name: string, sql: string): string[] {
  const text = sql.replaceAll(/^\s*--.*$/gm, '')
  const statements = text
    .split(/;\s*$/m)
    .map(statement => statement.trim())
    .filter(Boolean)
  const problem = statements.map(whyNotRepeatable).find(Boolean)
  if (problem)
    throw new Error(`Migration ${name} runs outside a transaction and must be repeatable: ${problem}.`)
  return statements
}

function whyNotRepeatable(statement: string): string | undefined {
  if (statement.includes('$$')) return 'it must not define functions'
  if (/^(BEGIN|COMMIT|START|ROLLBACK)\b/i.test(statement)) return 'it must not begin or end transactions'
  if (/^CREATE\b/i.test(statement) && !/\bIF NOT EXISTS\b/i.test(statement))
    return 'CREATE needs IF NOT EXISTS'
  if (/^DROP\b/i.test(statement) && !/\bIF EXISTS\b/i.test(statement)) return 'DROP needs IF EXISTS'
  return undefined
}

/** The indexes that a statement creates concurrently, which leaves an invalid one behind when it is interrupted. */
export function concurrentIndex(statement: string): string | undefined {
  return /^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s+"?(\w+)"?/i.exec(statement)?.[1]
}

export function checksum(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}

/** Whether a file has this checksum; like Prisma, also with the line ends that git may have converted. */
export function hasChecksum({ sql }: Migration, expected: string): boolean {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sql, unix, unix.replaceAll('\n', '\r\n')].some(text => checksum(text) === expected)
}
