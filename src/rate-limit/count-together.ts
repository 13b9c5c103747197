import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import { SIGN_INS_MAX } from '../end-of-turn.ts'
import {
  type Attempt,
  type Denial,
  FIRST_BLOCK_SECONDS,
  keyOf,
  LONGEST_BLOCK_SECONDS,
  refuse,
} from './limit.ts'

/** The most attempts that one statement counts. Their rows are locked until it has been committed. */
const BATCH_MAX = SIGN_INS_MAX

type Waiting = {
  attempt: Attempt
  key: string
  resolve: (denial: Denial | undefined) => void
  reject: (error: unknown) => void
}

/** The attempts of a process that wait to be counted, and whether a count is in progress. */
type Queue = { waiting: Waiting[]; running: boolean }

const queues = new WeakMap<App, Queue>()

const count = statement<[place: string, endsAt: Date, fresh: boolean]>(
  'limit-count-together',
  `SELECT r.place, c.ends_at, c.fresh
   FROM unnest($1::text[], $2::int[], $3::int[]) WITH ORDINALITY AS r (key, max_count, window_seconds, place)
   CROSS JOIN LATERAL count_attempt(
     ARRAY[r.key], ARRAY[r.max_count], ARRAY[r.window_seconds], ARRAY[$4::int], ARRAY[$5::int], $6::timestamptz) c`,
)

/**
 * Counts an attempt on one subject, as `countAttempt` does, together with the others that wait: those that arrive while
 * a statement is in progress share the next one. For attempts that count on nothing else, so that the order of the keys
 * in each statement is the only order in which their rows are locked.
 * @throws LimitHit
 */
export async function countTogether(app: App, attempt: Attempt, request: RequestInfo): Promise<void> {
  const key = keyOf(attempt)
  const denial =
    app.limiter.blocks.find([key], app.clock.now()) ??
    (await new Promise<Denial | undefined>((resolve, reject) => {
      const queue = queues.get(app) ?? { waiting: [], running: false }
      queues.set(app, queue)
      queue.waiting.push({ attempt, key, resolve, reject })
      if (queue.running) return
      queue.running = true
      setImmediate(() => void run(app, queue))
    }))
  if (denial) await refuse(app, [attempt], denial, request)
}

async function run(app: App, queue: Queue): Promise<void> {
  while (queue.waiting.length > 0) await countBatch(app, queue.waiting.splice(0, BATCH_MAX))
  queue.running = false
}

/** Settles each of them. Never rejects. */
async function countBatch(app: App, batch: Waiting[]): Promise<void> {
  const { blocks, pool } = app.limiter
  const now = app.clock.now()
  const counted: Waiting[] = []
  for (const waiting of batch) {
    // A count before this one may have reached the limit.
    const known = blocks.find([waiting.key], now)
    if (known) waiting.resolve(known)
    else counted.push(waiting)
  }
  if (counted.length === 0) return
  counted.sort((a, b) => (a.key < b.key ? -1 : 1))
  try {
    const rules = counted.map(({ attempt }) => app.config.limits[attempt.rule])
    const rows = await count(pool, [
      counted.map(({ key }) => key),
      rules.map(rule => rule.attempts),
      rules.map(rule => rule.windowSeconds),
      FIRST_BLOCK_SECONDS,
      LONGEST_BLOCK_SECONDS,
      now,
    ])
    const denials = new Map(rows.map(([place, until, fresh]) => [Number(place) - 1, { until, fresh }]))
    blocks.remove(counted.filter((_, index) => !denials.has(index)).map(({ key }) => key))
    for (const [index, { key, resolve }] of counted.entries()) {
      const denial = denials.get(index)
      if (denial) blocks.add(key, denial.until, now)
      resolve(denial && { place: 0, ...denial })
    }
  } catch (error) {
    for (const { key, resolve, reject } of counted) {
      // If the database cannot be reached, a known block still applies.
      const known = blocks.find([key], now)
      if (known) resolve(known)
      else reject(error)
    }
  }
}
