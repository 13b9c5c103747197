import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import pg from 'pg'
import { Login, Register } from '../support/operations.ts'
import { createDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { codes, PASSWORD, send } from '../support/service.ts'

/**
 * Whether the time of an answer tells who has an account: `npm run test:timing`. The measure is the area
 * under the ROC curve, the chance that an attempt of one kind takes longer than one of the other: 0.5 tells
 * nothing. Not part of `npm test`, for it takes a minute or two and wants a quiet machine.
 */
const ATTEMPTS = 1000
/** Each is tried several times, as somebody would who measures. */
const NAMES = 50

/** Half of the cost in production, so that the rest of the work stands out twice as much. */
const SETTINGS = {
  ARGON2_MEMORY_KIB: '9728',
  ARGON2_TIME_COST: '2',
  LIMIT_LOGIN_ACCOUNT: '100000/1h',
  LIMIT_LOGIN_NETWORK: '100000/1h',
  LIMIT_REGISTER_NETWORK: '100000/1h',
}

test('the time of an answer does not tell who has an account', async () => {
  const database = await createDatabase()
  const open = await startProcess({ ...SETTINGS, DATABASE_URL: database.url })
  const verifying = await startProcess({
    ...SETTINGS,
    DATABASE_URL: database.url,
    EMAIL_VERIFICATION: 'required',
  })
  try {
    const kinds = {
      unknown: names(),
      wrong: await accounts(open.url),
      disabled: await accounts(open.url),
    }
    await disable(database.url, kinds.disabled)
    const login = await measure(kinds, async identifier => {
      const { errors } = await send(open.url ?? '', Login, {
        input: { identifier, password: 'a wrong guess' },
      })
      expect(codes({ errors })).toEqual(['INVALID_CREDENTIALS'])
    })
    const known = new Set(kinds.wrong)
    const register = await measure({ known: kinds.wrong, new: names() }, async name => {
      const email = known.has(name) ? name : `${randomUUID()}@example.com`
      const { errors } = await send(verifying.url ?? '', Register, { input: { email, password: PASSWORD } })
      expect(errors).toEqual([])
    })
    const found: [what: string, area: number, tolerance: number][] = [
      ['login: unknown or wrong password', area(login.unknown, login.wrong), 0.05],
      ['login: disabled or wrong password', area(login.disabled, login.wrong), 0.05],
      // A new row takes some tens of microseconds more than none.
      ['register, to be verified: known or new', area(register.known, register.new), 0.1],
    ]
    const lines = [
      ...found.map(([what, value]) => `${what}: AUC ${value.toFixed(3)}`),
      ...Object.entries({ ...login, ...register }).map(
        ([kind, times]) => `${kind}: median ${median(times).toFixed(2)} ms`,
      ),
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
    for (const [what, value, tolerance] of found) {
      expect([what, value, Math.abs(value - 0.5) < tolerance]).toEqual([what, value, true])
    }
  } finally {
    for (const server of [open, verifying]) {
      server.kill('SIGTERM')
      await server.ended
    }
    await database.drop()
  }
}, 600_000)

function names(): string[] {
  return Array.from({ length: NAMES }, () => `${randomUUID()}@example.com`)
}

async function accounts(url = ''): Promise<string[]> {
  const emails = names()
  for (const email of emails) {
    expect(codes(await send(url, Register, { input: { email, password: PASSWORD } }))).toEqual([])
  }
  return emails
}

async function disable(databaseUrl: string, emails: string[]): Promise<void> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  await client.query('UPDATE users SET disabled_at = now() WHERE email = ANY($1)', [emails])
  await client.end()
}

/** Milliseconds of each attempt by kind; the kinds take turns, in an order that changes. */
async function measure<Kind extends string>(
  kinds: Record<Kind, string[]>,
  attempt: (name: string) => Promise<void>,
): Promise<Record<Kind, number[]>> {
  const order = Object.keys(kinds) as Kind[]
  const times = Object.fromEntries(order.map(kind => [kind, []])) as unknown as Record<Kind, number[]>
  // The first tenth warms up and does not count.
  for (let turn = -ATTEMPTS / 10; turn < ATTEMPTS; turn++) {
    order.push(...order.splice(0, 1 + Math.floor(Math.random() * (order.length - 1))))
    if (Math.random() < 0.5) order.reverse()
    for (const kind of order) {
      const start = performance.now()
      await attempt(kinds[kind][Math.abs(turn) % NAMES] ?? '')
      if (turn >= 0) times[kind].push(performance.now() - start)
    }
  }
  return times
}

/** The chance that one of `a` is larger than one of `b`; equal ones count half (Mann and Whitney's U). */
function area(a: number[], b: number[]): number {
  let wins = 0
  for (const one of a) for (const other of b) wins += one > other ? 1 : one === other ? 0.5 : 0
  return wins / (a.length * b.length)
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
