import type { App } from '../../src/app.ts'
import { withPatientPool } from '../../src/database/client.ts'

/**
 * Runs a statement that may take longer than a request may wait, such as one that inserts thousands of rows. On a busy
 * machine, the pool of the app would cancel it.
 */
export async function patiently<Row extends object>(
  { config }: Pick<App, 'config'>,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const url = config.database.url
  if (!url) throw new Error('The app of a test has DATABASE_URL.')
  return withPatientPool({ url, pooler: 'auto' }, async pool => (await pool.query<Row>(sql, values)).rows)
}
