import { readdirSync, readFileSync } from 'node:fs'
import type pg from 'pg'

/** The processor time of each process, user and system, in milliseconds. */
type Times = Map<number, number>

/**
 * Starts to measure the processor time that a server and PostgreSQL's processes for it use, and returns a function that
 * returns it in milliseconds: NaN without Linux's /proc. The pool is of the server's database, which no other server uses.
 */
export async function measureProcessors(pid: number, pool: pg.Pool): Promise<() => Promise<number>> {
  const before = await timesOf(pid, pool)
  return async () => {
    const after = await timesOf(pid, pool)
    // A connection that was opened meanwhile counts from its start.
    return [...after].reduce((sum, [each, ms]) => sum + ms - (before.get(each) ?? 0), 0)
  }
}

async function timesOf(pid: number, pool: pg.Pool): Promise<Times> {
  const { rows } = await pool.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  )
  return new Map(
    [pid, ...rows.map(row => row.pid)].map(each => [each, (usedMicros(each) || Number.NaN) / 1000]),
  )
}

/** The processor time of all threads of a process so far, in microseconds: 0 without Linux's /proc. */
export function usedMicros(pid: number): number {
  let threads: string[] = []
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {}
  const nanos = threads.map(
    thread => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]) || 0,
  )
  return nanos.reduce((total, each) => total + each, 0) / 1000
}

/** A process and the processes that it has started itself. */
export function withChildren(pid: number): number[] {
  const all = readdirSync('/proc').map(Number).filter(Boolean)
  return [pid, ...all.filter(each => parentOf(each) === pid)]
}

export function parentOf(pid: number): number {
  return Number(/\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1])
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
