import type pg from 'pg'

/** Up to so many rows are counted, beyond that they are estimated. */
export const EXACT_MAX = 10_000

/** A selection of rows, as SQL. */
export type Rows = {
  /** A table, with the name that `where` has for it. */
  from: string
  where: string
  values: unknown[]
  /** The order of an index, where the planner might read the whole table for a few of very many. */
  orderBy?: string
}

/** The exact number, or one more than is counted. */
export function countUpTo(pool: pg.Pool, { from, where, values, orderBy }: Rows): Promise<number> {
  const order = orderBy ? `ORDER BY ${orderBy}` : ''
  return numberOf(
    pool,
    `SELECT count(*)::int FROM (SELECT FROM ${from} WHERE ${where} ${order} LIMIT ${EXACT_MAX + 1}) counted`,
    values,
  )
}

/** As PostgreSQL's planner has it: from the size of the file and what it last knew of its pages and their columns. */
export async function plannedRows(pool: pg.Pool, { from, where, values }: Rows): Promise<number> {
  type Plan = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }
  const { rows } = await pool.query<Plan>(`EXPLAIN (FORMAT JSON) SELECT FROM ${from} WHERE ${where}`, values)
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
}

/** An estimate is told to two digits. */
export function toTwoDigits(count: number): number {
  return Number(count.toPrecision(2))
}

export async function numberOf(pool: pg.Pool, text: string, values: unknown[]): Promise<number> {
  const { rows } = await pool.query<[number]>({ text, values, rowMode: 'array' })
  return rows[0]?.[0] ?? 0
}
