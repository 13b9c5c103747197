import type pg from 'pg'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { isId, statement, withConnection } from '../database/client.ts'
import { AuthError } from '../errors.ts'

/** The duration of the first block. It doubles with each further block, up to an hour or the attempt's own maximum. */
export const FIRST_BLOCK_SECONDS = 30
export const LONGEST_BLOCK_SECONDS = 3600

/** An attempt to count. `subject` is an account or a network; each rule counts separately. */
export type Attempt = {
  rule: keyof App['config']['limits']
  subject: string
  /** Default and maximum: one hour. */
  blockMaxSeconds?: number
  /** The canonical address or username of the subject, so that the audit log can find the account. */
  name?: string
}

/** Where an attempt is refused: nothing is found if it is not. Takes the first six parameters of a statement. */
export const COUNT_ATTEMPT = 'count_attempt($1, $2, $3, $4, $5, $6)'
const count = statement<[number: number, endsAt: Date, fresh: boolean]>(
  'limit-count',
  `SELECT place, ends_at, fresh FROM ${COUNT_ATTEMPT}`,
)
const countAndForgive = statement<[number: number, endsAt: Date, fresh: boolean]>(
  'limit-count-forgive',
  'SELECT place, ends_at, fresh FROM count_and_forgive($1, $2, $3, $4, $5, $6, $7, $8)',
)

/** Attempts that are given back: the counts of `whole` start anew, and those of `single` lose one. */
export type Forgiveness = { whole: Attempt[]; single: Attempt[] }

/**
 * Counts with a statement of its own, which begins with the columns of `COUNT_ATTEMPT` and its parameters, and returns
 * its row. Null is the place of no refusal.
 */
export type Count = (
  connection: pg.PoolClient,
  parameters: unknown[],
) => Promise<[number: number | null, endsAt: Date, fresh: boolean, ...unknown[]] | undefined>

/**
 * Counts an attempt on each subject in order. The first subject that reaches its limit ends the count, so later
 * subjects are not counted. If any subject is already blocked, nothing is counted. The count is one statement, so
 * parallel requests and replicas share one exact count. A refusal takes no lock, and no query while the block is cached.
 * What is `forgiven` is given back with the same statement, unless the attempt is refused. Another `counting` does more
 * with the statement.
 * @throws LimitHit RATE_LIMITED with `retryAfter`, and the `rule` for the caller
 */
export async function countAttempt(
  app: App,
  attempts: Attempt[],
  request: RequestInfo,
  forgiven?: Forgiveness,
  counting?: Count,
): Promise<void> {
  const { blocks } = app.limiter
  const now = app.clock.now()
  const keys = attempts.map(keyOf)
  const denial: Denial | undefined =
    blocks.find(keys, now) ??
    (await countInTurn(app, attempts, keys, now, forgiven, counting).catch((error: unknown) => {
      // If the database cannot be reached, a known block still applies.
      const known = blocks.find(keys, now)
      if (known) return known
      throw error
    }))
  if (denial) await refuse(app, attempts, denial, request)
}

/**
 * Refuses the attempt of a denial.
 * @throws LimitHit
 */
export async function refuse(
  app: App,
  attempts: Attempt[],
  { place, until, fresh }: Denial,
  request: RequestInfo,
): Promise<never> {
  const now = app.clock.now()
  const attempt = attempts[place]
  if (!attempt) throw new Error(`count_attempt returned place ${place + 1} of ${attempts.length}`)
  // Once per block rather than per attempt, so that a flood does not fill the audit log.
  if (fresh) {
    const subjectId = await accountOf(app, attempt)
    await record(app.db, request, { action: 'limit.hit', at: now, subjectId, detail: { rule: attempt.rule } })
  }
  throw new LimitHit(attempt.rule, Math.ceil((until.getTime() - now.getTime()) / 1000))
}

/**
 * Attempts on the same subject wait for each other here instead of for the row lock, and use the result of the previous
 * attempt. When a block ends during a flood, only a few of hundreds of attempts query the database.
 */
async function countInTurn(
  app: App,
  attempts: Attempt[],
  keys: string[],
  now: Date,
  forgiven: Forgiveness | undefined,
  counting: Count | undefined,
): Promise<Denial | undefined> {
  const { blocks, underWay } = app.limiter
  const [subject = ''] = keys
  const before = blocks.latest
  for (let other = underWay.get(subject); other; other = underWay.get(subject)) {
    await other
    const known = blocks.find(keys, now, before)
    if (known) return known
  }
  const counted = countUnlessBlocked(app, attempts, keys, now, forgiven, counting)
  underWay.set(subject, counted)
  try {
    return await counted
  } finally {
    underWay.delete(subject)
  }
}

/** Which attempt was refused, until when, and whether this attempt blocked its subject. */
export type Denial = { place: number; until: Date; fresh?: boolean }

async function countUnlessBlocked(
  { config, limiter: { pool, blocks } }: App,
  attempts: Attempt[],
  keys: string[],
  now: Date,
  forgiven: Forgiveness | undefined,
  counting: Count | undefined,
): Promise<Denial | undefined> {
  const before = blocks.latest
  return withConnection(pool, async connection => {
    // While this attempt waited for a connection, another may have reached the limit.
    const known = blocks.find(keys, now, before)
    if (known) return known
    const rules = attempts.map(({ rule }) => config.limits[rule])
    const whole = forgiven?.whole.map(keyOf) ?? []
    const parameters = [
      keys,
      rules.map(rule => rule.attempts),
      rules.map(rule => rule.windowSeconds),
      rules.map(() => FIRST_BLOCK_SECONDS),
      attempts.map(({ blockMaxSeconds: max = LONGEST_BLOCK_SECONDS }) =>
        Math.min(max, LONGEST_BLOCK_SECONDS),
      ),
      now,
    ]
    const row = counting
      ? await counting(connection, parameters)
      : forgiven
        ? (await countAndForgive(connection, [...parameters, whole, forgiven.single.map(keyOf)]))[0]
        : (await count(connection, parameters))[0]
    if (!row || row[0] === null) {
      blocks.remove([...keys, ...whole])
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

/** The account that an attempt concerns, so that deleting the account also redacts this audit event. */
async function accountOf({ pool }: App, { subject, name }: Attempt): Promise<string | undefined> {
  if (name === undefined) return isId(subject) ? subject : undefined
  const [found] = await findByName(pool, [name])
  return found?.[0]
}

/** RATE_LIMITED with the rule that was hit, so that the caller can offer an alternative. */
export class LimitHit extends AuthError {
  readonly rule: Attempt['rule']
  /** In seconds. */
  readonly retryAfter: number
  /** `message` replaces the default message of the code. */
  constructor(rule: Attempt['rule'], retryAfter: number, message?: string) {
    super('RATE_LIMITED', { extensions: { retryAfter }, ...(message !== undefined && { message }) })
    this.rule = rule
    this.retryAfter = retryAfter
  }
}

// The rows stay locked until the commit, and that of a network is locked for everyone in it. So the commit does not wait
// for the disk: if PostgreSQL itself crashes, the attempts of its last fraction of a second stay counted.
const forgive = statement(
  'limit-forgive',
  `WITH gone AS (DELETE FROM rate_limits WHERE key = ANY($1) RETURNING set_config('synchronous_commit', 'off', true))
   UPDATE rate_limits SET count = greatest(count - 1, 0) WHERE key = ANY($2)
   RETURNING set_config('synchronous_commit', 'off', true)`,
)

/** After a secret was proved: resets the counts of `whole`, and subtracts this attempt from those of `single`. */
export async function forgiveAttempts(app: App, whole: Attempt[], single: Attempt[] = []): Promise<void> {
  const keys = whole.map(keyOf)
  await forgive(app.limiter.pool, [keys, single.map(keyOf)])
  app.limiter.blocks.remove(keys)
}

/** The key under which an attempt is counted. */
export function keyOf({ rule, subject }: Attempt): string {
  return `${rule}:${subject}`
}
