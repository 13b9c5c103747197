import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A migration of this version. */
export type Migration = {
  name: string
  sql: string
  /** The statements, if the migration runs outside a transaction. */
  statements: string[] | undefined
}

// Two levels up from both src/database and dist/database.
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
 * Splits a migration that runs outside a transaction into statements. An interrupted migration starts again with the
 * first, so each must be repeatable.
 *
 * @throws when a statement is not repeatable, or when the statements cannot be separated reliably
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

/** The index that a statement creates concurrently. If the statement is interrupted, the index stays and is invalid. */
export function concurrentIndex(statement: string): string | undefined {
  return /^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s+"?(\w+)"?/i.exec(statement)?.[1]
}

export function checksum(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}

/** Whether a file has this checksum. Like Prisma, also tries the line endings that Git may have converted. */
export function hasChecksum({ sql }: Migration, expected: string): boolean {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sql, unix, unix.replaceAll('\n', '\r\n')].some(text => checksum(text) === expected)
}
