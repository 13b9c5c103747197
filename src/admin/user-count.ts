import type pg from 'pg'
import { findCandidates } from './search.ts'
import type { Conditions } from './user-filter.ts'

/** Up to so many accounts are counted, beyond that they are estimated. */
const EXACT_MAX = 10_000
/** In tables smaller than this everything is looked at. */
const SMALL = 5 * EXACT_MAX
/** From so many accounts an estimate is made. */
const SAMPLE = 10_000

/**
 * How many accounts the conditions select: exact up to 10,000, beyond that estimated from a sample, to two digits.
 */
export async function countUsers(pool: pg.Pool, conditions: Conditions): Promise<number> {
  const size = await tableSize(pool)
  const estimated = size > SMALL ? await estimate(pool, conditions, size) : undefined
  if (estimated !== undefined && estimated > 2 * EXACT_MAX) return roughly(estimated)
  const count = await countUpTo(pool, conditions, estimated !== undefined)
  if (count <= EXACT_MAX) return count
  return roughly(Math.max(count, estimated ?? (await estimate(pool, conditions, size))))
}

function roughly(count: number): number {
  return Number(count.toPrecision(2))
}

/** As PostgreSQL's planner has it: from the size of the file and what it last knew of its pages. */
async function tableSize(pool: pg.Pool): Promise<number> {
  type Plan = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }
  const { rows } = await pool.query<Plan>('EXPLAIN (FORMAT JSON) SELECT FROM users')
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
}

/** The exact number, or one more than is counted. */
async function countUpTo(
  pool: pg.Pool,
  { values, filters, where, search }: Conditions,
  useIndex: boolean,
): Promise<number> {
  const asked = search && useIndex
  const candidates = asked && (await findCandidates(pool, search.term, EXACT_MAX))
  if (asked && !candidates && filters === 'true') return EXACT_MAX + 1
  const among = candidates ? `u.id = ANY ($${values.length + 1}::uuid[]) AND ${where}` : where
  return numberOf(
    pool,
    `SELECT count(*)::int FROM (SELECT FROM users u WHERE ${among} LIMIT ${EXACT_MAX + 1}) counted`,
    candidates ? [...values, candidates] : values,
  )
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

async function numberOf(pool: pg.Pool, text: string, values: unknown[]): Promise<number> {
  const { rows } = await pool.query<[number]>({ text, values, rowMode: 'array' })
  return rows[0]?.[0] ?? 0
}
