import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createEmptyDatabase } from './postgres.ts'

/** An empty database, and a folder for the migrations that a test writes. */
export type MigrationsAtHand = {
  folder: string
  url: string
  pool: pg.Pool
  /** A further pool on the database. */
  newPool(): pg.Pool
  write(name: string, sql: string): Promise<void>
  release(): Promise<void>
}

export async function migrationsAtHand(): Promise<MigrationsAtHand> {
  const database = await createEmptyDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'authograph-migrations-'))
  const newPool = () => {
    const pool = new pg.Pool({ connectionString: database.url })
    // Connections that a test kills.
    pool.on('error', () => {})
    return pool
  }
  const pool = newPool()
  return {
    folder,
    url: database.url,
    pool,
    newPool,
    write: async (name, sql) => {
      await mkdir(join(folder, name), { recursive: true })
      await writeFile(join(folder, name, 'migration.sql'), sql)
    },
    release: async () => {
      await pool.end()
      await database.drop()
      await rm(folder, { recursive: true })
    },
  }
}
