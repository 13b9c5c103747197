import pg from 'pg'
import { hasChecksum, type Migration } from './migrations.ts'

export type AppliedRow = { id: string; migration_name: string; checksum: string; finished_at: Date | null }

/** The migrations that the database records as applied or started. Empty if it has no record table. */
export async function appliedRows(database: pg.Pool | pg.PoolClient): Promise<AppliedRow[]> {
  // Querying a missing table would fail and abort the transaction.
  const found = await database.query<{ exists: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`,
  )
  if (!found.rows[0]?.exists) return []
  const result = await database.query<AppliedRow>(
    `SELECT id, migration_name, checksum, finished_at FROM _prisma_migrations
     WHERE rolled_back_at IS NULL ORDER BY started_at`,
  )
  return result.rows
}

export function isFinished(row: AppliedRow): boolean {
  return row.finished_at !== null
}

/**
 * The first migration that is not applied.
 * @throws when an applied migration is unknown, changed or unfinished
 */
export function nextPending(migrations: Migration[], rows: AppliedRow[]): Migration | undefined {
  const known = new Map(migrations.map(migration => [migration.name, migration]))
  for (const row of rows) assertSound(row, known.get(row.migration_name))
  const applied = new Set(rows.filter(isFinished).map(row => row.migration_name))
  return migrations.find(({ name }) => !applied.has(name))
}

function assertSound(row: AppliedRow, migration: Migration | undefined): void {
  const name = row.migration_name
  if (!migration) {
    throw new Error(
      `The database has the migration ${name}, which this version of Authograph does not know. ` +
        'Start the version that applied it, or a newer one, or restore a backup from before it.',
    )
  }
  if (!isFinished(row)) {
    // Outside a transaction, `migrate` completes it.
    if (migration.statements) return
    throw new Error(
      `Migration ${name} was started by "prisma migrate" and did not finish: see "prisma migrate resolve".`,
    )
  }
  if (!hasChecksum(migration, row.checksum)) {
    throw new Error(
      `Migration ${name} was changed after it was applied to this database. ` +
        'Restore prisma/migrations as released, and make the change in a new migration.',
    )
  }
}
