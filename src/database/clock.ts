import type pg from 'pg'
import type { Clock } from '../clock.ts'
import { statement } from './client.ts'

/** A slower reading is too inaccurate to use. */
const SLOW_READING_MS = 500

const readTime = statement<[epochMs: number]>(
  'clock-read',
  'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8',
)

/**
 * The database's time, which all replicas share. Between readings, the process's monotonic clock advances it, so the
 * machine's clock may be wrong or change.
 */
export class DatabaseClock implements Clock {
  readonly #pool: pg.Pool
  /** The database's time when the monotonic clock was 0. */
  #startMs = 0

  private constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Creates a clock and reads the time once. */
  static async start(pool: pg.Pool): Promise<DatabaseClock> {
    const clock = new DatabaseClock(pool)
    await clock.#read(Number.POSITIVE_INFINITY)
    return clock
  }

  now(): Date {
    return new Date(this.#startMs + performance.now())
  }

  /** Reads the time again: clocks drift, and a failover may move the database to another machine. */
  read(): Promise<void> {
    return this.#read(SLOW_READING_MS)
  }

  async #read(maxMs: number): Promise<void> {
    const before = performance.now()
    const [row] = await readTime(this.#pool, [])
    const after = performance.now()
    if (row && after - before <= maxMs) this.#startMs = row[0] - (before + after) / 2
  }
}
