import type pg from 'pg'
import { countUpTo, EXACT_MAX, numberOf, plannedRows, roughly } from '../database/count.ts'
import { findCandidates } from './search.ts'
import type { Conditions } from './user-filter.ts'

/** In tables smaller than this everything is looked at. */
const SMALL = 5 * EXACT_MAX
/** From so many accounts an estimate is made. */
const SAMPLE = 10_000

/**
 * How many accounts the conditions select: exact up to 10,000, beyond that estimated from a sample, to two digits.
 * Not by the planner, who knows nothing of what a search finds.
 */
export async function countUsers(pool: pg.Pool, conditions: Conditions): Promise<number> {
  const size = await plannedRows(pool, { from: 'users', where: 'true', values: [] })
  const estimated = size > SMALL ? await estimate(pool, conditions, size) : undefined
  if (estimated !== undefined && estimated > 2 * EXACT_MAX) return roughly(estimated)
  const count = await countFew(pool, conditions, estimated !== undefined)
  if (count <= EXACT_MAX) return count
  return roughly(Math.max(count, estimated ?? (await estimate(pool, conditions, size))))
}

async function countFew(
  pool: pg.Pool,
  { values, filters, where, search }: Conditions,
  useIndex: boolean,
): Promise<number> {
  const asked = search && useIndex
  const candidates = asked && (await findCandidates(pool, search.term, EXACT_MAX))
  if (asked && !candidates && filters === 'true') return EXACT_MAX + 1
  if (!candidates) return countUpTo(pool, { from: 'users u', where, values })
  const among = `u.id = ANY ($${values.length + 1}::uuid[]) AND ${where}`
  return countUpTo(pool, { from: 'users u', where: among, values: [...values, candidates] })
}

/** By pages chosen at random. */
async function estimate(pool: pg.Pool, { values, where }: Conditions, size: number): Promise<number> {
  if (where === 'true') return size
  const percent = Math.min(100, (100 * SAMPLE) / size)
  const share = await numberOf(
    pool,
    `SELECT coalesce(avg((${where})::int), 0)::float FROM users u TABLESAMPLE SYSTEM (${percent})`,
    values,
  )
  return share * size
}
