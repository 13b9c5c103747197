import type pg from 'pg'
import { plannedRows, toTwoDigits } from './count.ts'

/** More rows in one interval are estimated: counting millions in 30 intervals takes longer than a statement may. */
const EXACT_MAX = 20_000

/** Rows with a time, in SQL. An index on what `where` compares, followed by `time`, makes counting them fast. */
export type TimedRows = { from: string; time: string; where: string; values: unknown[] }

/**
 * The number of rows in each interval between two successive bounds, its start included: exact up to 20,000, beyond
 * that the query planner's estimate to two significant digits. One query, which reads only an index.
 */
export async function countPerInterval(
  pool: pg.Pool,
  { from, time, where, values }: TimedRows,
  bounds: Date[],
): Promise<number[]> {
  const [starts, ends] = [bounds.slice(0, -1), bounds.slice(1)]
  const [first, last] = [`$${values.length + 1}::timestamptz[]`, `$${values.length + 2}::timestamptz[]`]
  // The order keeps the planner from reading the table instead.
  const { rows } = await pool.query<[number]>({
    text: `SELECT (SELECT count(*)::int FROM (
        SELECT FROM ${from} WHERE ${where} AND ${time} >= i.start AND ${time} < i.finish
        ORDER BY ${time} DESC LIMIT ${EXACT_MAX + 1}
      ) counted)
      FROM unnest(${first}, ${last}) WITH ORDINALITY AS i(start, finish, place) ORDER BY place`,
    values: [...values, starts, ends],
    rowMode: 'array',
  })
  return Promise.all(
    rows.map(async ([count], place) => {
      if (count <= EXACT_MAX) return count
      const [start, end] = [`$${values.length + 1}`, `$${values.length + 2}`]
      const planned = await plannedRows(pool, {
        from,
        where: `${where} AND ${time} >= ${start} AND ${time} < ${end}`,
        values: [...values, starts[place], ends[place]],
      })
      return toTwoDigits(Math.max(count, planned))
    }),
  )
}
