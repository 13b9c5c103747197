import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestFacts } from '../context.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'

/** How long the first block lasts; each further one twice as long, up to an hour unless the attempt says less. */
const FIRST_BLOCK_SECONDS = 30
const LONGEST_BLOCK_SECONDS = 3600

/** What is counted: `subject` is an account or a network, and the name of the rule keeps rules apart. */
export type Attempt = {
  rule: keyof App['config']['limits']
  subject: string
  /** An hour unless given, and never more. */
  blockMaxSeconds?: number
}

type Denial = [place: number, endsAt: Date, fresh: boolean]

const count = statement<Denial>(
  'limit-count',
  'SELECT place, ends_at, fresh FROM count_attempt($1, $2, $3, $4, $5, $6)',
)

/**
 * Counts an attempt on each subject in turn; the first that is used up ends it, and those after it are
 * not counted. One statement, so parallel requests and replicas share one exact count.
 * @throws AuthError RATE_LIMITED with `retryAfter`, naming in `rule` which one it was, for the caller
 */
export async function countAttempt(app: App, attempts: Attempt[], request: RequestFacts): Promise<void> {
  const now = app.clock.now()
  const rules = attempts.map(({ rule }) => app.config.limits[rule])
  const [denial] = await count(app.pool, [
    attempts.map(keyOf),
    rules.map(rule => rule.attempts),
    rules.map(rule => rule.windowSeconds),
    rules.map(() => FIRST_BLOCK_SECONDS),
    attempts.map(({ blockMaxSeconds: max = LONGEST_BLOCK_SECONDS }) => Math.min(max, LONGEST_BLOCK_SECONDS)),
    now,
  ])
  if (!denial) return
  const [place, endsAt, fresh] = denial
  const attempt = attempts[place - 1]
  if (!attempt) throw new Error(`count_attempt returned place ${place} of ${attempts.length}`)
  // Once a block, not once an attempt: a flood shall not fill the audit log.
  if (fresh) await record(app.db, request, { action: 'limit.hit', at: now, detail: { rule: attempt.rule } })
  throw new LimitHit(attempt.rule, Math.ceil((endsAt.getTime() - now.getTime()) / 1000))
}

/** RATE_LIMITED, with the rule that was hit for whoever may know another way. */
export class LimitHit extends AuthError {
  readonly rule: Attempt['rule']
  /** In seconds. */
  readonly retryAfter: number
  constructor(rule: Attempt['rule'], retryAfter: number) {
    super('RATE_LIMITED', { extensions: { retryAfter } })
    this.rule = rule
    this.retryAfter = retryAfter
  }
}

const forgive = statement(
  'limit-forgive',
  `WITH gone AS (DELETE FROM rate_limits WHERE key = ANY($1))
   UPDATE rate_limits SET count = greatest(count - 1, 0) WHERE key = ANY($2)`,
)

/** A secret was proved: what was counted on `whole` starts anew, on `single` this attempt is taken back. */
export async function forgiveAttempts(app: App, whole: Attempt[], single: Attempt[] = []): Promise<void> {
  await forgive(app.pool, [whole.map(keyOf), single.map(keyOf)])
}

function keyOf({ rule, subject }: Attempt): string {
  return `${rule}:${subject}`
}
