import type pg from 'pg'

/** Larger counts are estimated. */
export const EXACT_MAX = 10_000

/** A selection of rows in SQL. */
export type Rows = {
  /** The table, with the alias that `where` uses. */
  from: string
  where: string
  values: unknown[]
  /** The order of an index, set where the planner might otherwise scan the whole table for a few rows. */
  orderBy?: string
}

/** The exact count up to `EXACT_MAX`; `EXACT_MAX + 1` means more. */
export function countUpTo(pool: pg.Pool, { from, where, values, orderBy }: Rows): Promise<number> {
  const order = orderBy ? `ORDER BY ${orderBy}` : ''
  return numberOf(
    pool,
    `SELECT count(*)::int FROM (SELECT FROM ${from} WHERE ${where} ${order} LIMIT ${EXACT_MAX + 1}) counted`,
    values,
  )
}

/** The planner's estimate, from the size of the table and its statistics. */
export async function plannedRows(pool: pg.Pool, { from, where, values }: Rows): Promise<number> {
  type Plan = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }
  const { rows } = await pool.query<Plan>(`EXPLAIN (FORMAT JSON) SELECT FROM ${from} WHERE ${where}`, values)
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
}

/** Rounds an estimate to two significant digits. */
export function toTwoDigits(count: number): number {
  return Number(count.toPrecision(2))
}

export async function numberOf(pool: pg.Pool, text: string, values: unknown[]): Promise<number> {
  const { rows } = await pool.query<[number]>({ text, values, rowMode: 'array' })
  return rows[0]?.[0] ?? 0
}
