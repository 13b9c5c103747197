import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { isId, statement, withConnection } from '../database/client.ts'
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
  /** The canonical address or username behind the subject, by which the audit log finds the account. */
  name?: string
}

const count = statement<[number: number, endsAt: Date, fresh: boolean]>(
  'limit-count',
  'SELECT place, ends_at, fresh FROM count_attempt($1, $2, $3, $4, $5, $6)',
)

/**
 * Counts an attempt on each subject in turn. The first subject that is used up ends the count, and those after it
 * are not counted. If any subject is already blocked, nothing is counted. One statement, so parallel requests and
 * replicas share one exact count. A refusal takes no lock, and no query while this process knows of the block.
 * @throws AuthError RATE_LIMITED with `retryAfter`, naming in `rule` which one it was, for the caller
 */
export async function countAttempt(app: App, attempts: Attempt[], request: RequestInfo): Promise<void> {
  const { blocks } = app.limiter
  const now = app.clock.now()
  const keys = attempts.map(keyOf)
  const denial: Denial | undefined =
    blocks.find(keys, now) ??
    (await countInTurn(app, attempts, keys, now).catch((error: unknown) => {
      // While the database cannot be asked whether a block is still there, it holds.
      const known = blocks.find(keys, now)
      if (known) return known
      throw error
    }))
  if (!denial) return
  const { place, until, fresh } = denial
  const attempt = attempts[place]
  if (!attempt) throw new Error(`count_attempt returned place ${place + 1} of ${attempts.length}`)
  // Once a block, not once an attempt: a flood must not fill the audit log.
  if (fresh) {
    const subjectId = await accountOf(app, attempt)
    await record(app.db, request, { action: 'limit.hit', at: now, subjectId, detail: { rule: attempt.rule } })
  }
  throw new LimitHit(attempt.rule, Math.ceil((until.getTime() - now.getTime()) / 1000))
}

/**
 * Attempts on one subject wait for each other here rather than for its row, and go by what the one before has learned:
 * when a block ends under a flood, few of hundreds ask the database.
 */
async function countInTurn(
  app: App,
  attempts: Attempt[],
  keys: string[],
  now: Date,
): Promise<Denial | undefined> {
  const { blocks, underWay } = app.limiter
  const [subject = ''] = keys
  const before = blocks.latest
  for (let other = underWay.get(subject); other; other = underWay.get(subject)) {
    await other
    const known = blocks.find(keys, now, before)
    if (known) return known
  }
  const counted = countUnlessBlocked(app, attempts, keys, now)
  underWay.set(subject, counted)
  try {
    return await counted
  } finally {
    underWay.delete(subject)
  }
}

type Denial = { place: number; until: Date; fresh?: boolean }

async function countUnlessBlocked(
  { config, limiter: { pool, blocks } }: App,
  attempts: Attempt[],
  keys: string[],
  now: Date,
): Promise<Denial | undefined> {
  const before = blocks.latest
  return withConnection(pool, async connection => {
    // While this attempt waited for a connection, another one may have been too many.
    const known = blocks.find(keys, now, before)
    if (known) return known
    const rules = attempts.map(({ rule }) => config.limits[rule])
    const [row] = await count(connection, [
      keys,
      rules.map(rule => rule.attempts),
      rules.map(rule => rule.windowSeconds),
      rules.map(() => FIRST_BLOCK_SECONDS),
      attempts.map(({ blockMaxSeconds: max = LONGEST_BLOCK_SECONDS }) =>
        Math.min(max, LONGEST_BLOCK_SECONDS),
      ),
      now,
    ])
    if (!row) {
      blocks.remove(keys)
      return undefined
    }
    const [number, until, fresh] = row
    const place = number - 1
    blocks.add(keys[place] ?? '', until, now)
    return { place, until, fresh }
  })
}

const findByName = statement<[id: string]>(
  'limit-account',
  'SELECT id FROM users WHERE email_canonical = $1 UNION ALL SELECT id FROM users WHERE username = $1',
)

/** The account that an attempt is about, so that its deletion makes the audit log forget where the attempt came from. */
async function accountOf({ pool }: App, { subject, name }: Attempt): Promise<string | undefined> {
  if (name === undefined) return isId(subject) ? subject : undefined
  const [found] = await findByName(pool, [name])
  return found?.[0]
}

/** RATE_LIMITED, with the rule that was hit for whoever may know another way. */
export class LimitHit extends AuthError {
  readonly rule: Attempt['rule']
  /** In seconds. */
  readonly retryAfter: number
  /** `message` says more than the code's own. */
  constructor(rule: Attempt['rule'], retryAfter: number, message?: string) {
    super('RATE_LIMITED', { extensions: { retryAfter }, ...(message !== undefined && { message }) })
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
  const keys = whole.map(keyOf)
  await forgive(app.limiter.pool, [keys, single.map(keyOf)])
  app.limiter.blocks.remove(keys)
}

function keyOf({ rule, subject }: Attempt): string {
  return `${rule}:${subject}`
}
