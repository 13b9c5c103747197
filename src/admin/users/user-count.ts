import type pg from 'pg'
import { findCandidates } from '../../accounts/search-index.ts'
import { countUpTo, EXACT_MAX, numberOf, plannedRows, toTwoDigits } from '../../database/count.ts'
import type { Conditions } from './user-filter.ts'

/** Smaller tables are counted without an estimate. */
const SMALL_TABLE_MAX = 5 * EXACT_MAX
/** Number of accounts containing a search term up to which filters are applied to each of them. */
const CANDIDATES_MAX = 30_000
/** Number of accounts that an estimate samples. */
const SAMPLE_SIZE = 10_000

/**
 * Returns the number of accounts that match the conditions: exact up to 10,000, beyond that estimated from a sample, to
 * two significant digits. The query planner's own estimate is useless here: it cannot predict what a search matches.
 */
export async function countUsers(pool: pg.Pool, conditions: Conditions): Promise<number> {
  const size = await plannedRows(pool, { from: 'users', where: 'true', values: [] })
  const estimated = size > SMALL_TABLE_MAX ? await estimate(pool, conditions, size) : undefined
  if (estimated !== undefined && estimated > 2 * EXACT_MAX) return toTwoDigits(estimated)
  const count = await countFew(pool, conditions, estimated !== undefined)
  if (count <= EXACT_MAX) return count
  return toTwoDigits(Math.max(count, estimated ?? (await estimate(pool, conditions, size))))
}

async function countFew(
  pool: pg.Pool,
  { values, filters, where, search }: Conditions,
  useIndex: boolean,
): Promise<number> {
  if (!search || !useIndex) return countUpTo(pool, { from: 'users u', where, values })
  if (filters !== 'true') {
    // If the filters select few accounts, scan those, however many contain the term.
    const [filtered = 0, found = 0] = await countFiltered(pool, filters, search.matches, values)
    if (filtered <= EXACT_MAX) return found
  }
  const candidates = await findCandidates(pool, search.term, CANDIDATES_MAX)
  if (!candidates)
    return filters === 'true' ? EXACT_MAX + 1 : countUpTo(pool, { from: 'users u', where, values })
  const among = `u.id = ANY ($${values.length + 1}::uuid[]) AND ${where}`
  return countUpTo(pool, { from: 'users u', where: among, values: [...values, candidates] })
}

/** How many accounts the filters select, up to `EXACT_MAX` + 1, and how many of these match the search. */
async function countFiltered(
  pool: pg.Pool,
  filters: string,
  matches: string,
  values: unknown[],
): Promise<number[]> {
  const { rows } = await pool.query<number[]>({
    text: `SELECT count(*)::int, (count(*) FILTER (WHERE ${matches}))::int FROM (
        SELECT u.email, u.username, u.display_name FROM users u WHERE ${filters} LIMIT ${EXACT_MAX + 1}
      ) u`,
    values,
    rowMode: 'array',
  })
  return rows[0] ?? []
}

/** Extrapolates from randomly chosen pages of the table. */
async function estimate(pool: pg.Pool, { values, where }: Conditions, size: number): Promise<number> {
  if (where === 'true') return size
  const percent = Math.min(100, (100 * SAMPLE_SIZE) / size)
  const share = await numberOf(
    pool,
    `SELECT coalesce(avg((${where})::int), 0)::float FROM users u TABLESAMPLE SYSTEM (${percent})`,
    values,
  )
  return share * size
}
