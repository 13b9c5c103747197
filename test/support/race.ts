import pg from 'pg'
import type { Service } from './service.ts'

/**
 * Holds a row until `first` and then `second` wait for it, and lets go: so they meet in the database in
 * this order, each having read what was there before.
 */
export async function meet<First, Second>(
  { app }: Service,
  row: { table: 'sessions' | 'users'; id: string },
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  const lock = `SELECT FROM ${row.table} WHERE id = '${row.id}' FOR NO KEY UPDATE`
  const met = await whileHolding(app.config.database.url ?? '', lock, async waiting => {
    const one = first()
    await waiting(1)
    const two = second()
    await waiting(2)
    return [one, two] as const
  })
  return Promise.all(met)
}

/** Runs `run` while holding a lock. `waiting` resolves when this number of statements wait for it. */
export async function whileHolding<Result>(
  databaseUrl: string,
  lock: string,
  run: (waiting: (count: number) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const holder = new pg.Client(databaseUrl)
  const observer = new pg.Client(databaseUrl)
  await Promise.all([holder.connect(), observer.connect()])
  try {
    await holder.query(`BEGIN; ${lock}`)
    const result = await run(count => untilWaiting(observer, count))
    await holder.query('COMMIT')
    return result
  } finally {
    await Promise.all([holder.end(), observer.end()])
  }
}

async function untilWaiting(observer: pg.Client, count: number): Promise<void> {
  const deadline = Date.now() + 8000
  while (Date.now() < deadline) {
    const { rowCount } = await observer.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    if (rowCount === count) return
  }
  throw new Error(`${count} statements should wait for the lock`)
}
