import { expect, test } from '@jest/globals'
import pg from 'pg'
import { newAddress, PASSWORD } from '../support/actors.ts'
import {
  Login,
  LoginWithEmail,
  Register,
  RequestEmailLogin,
  RequestPasswordReset,
} from '../support/operations.ts'
import { createDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'
import { startSmtp } from '../support/smtp.ts'

/**
 * Measures whether response times reveal who has an account: `npm run test:timing`. The measure is the area under the
 * ROC curve, the probability that an attempt of one kind takes longer than one of the other: 0.5 reveals nothing. Not
 * part of `npm test`, because it takes several minutes and requires an idle machine.
 */
const ATTEMPTS = 1000
/** Each name is tried several times, as an attacker who measures would do. */
const NAMES = 50

/** The password of an attacker who registers addresses to find out which have accounts. */
const MINE = 'a stranger’s own password'

/** Half of the hashing cost in production, so that differences in the other work stand out twice as much. */
const SETTINGS = {
  ARGON2_MEMORY_KIB: '9728',
  ARGON2_TIME_COST: '2',
  LIMIT_LOGIN_ACCOUNT: '100000/1h',
  LIMIT_LOGIN_NETWORK: '100000/1h',
  LIMIT_REGISTER_NETWORK: '100000/1h',
  LIMIT_MAIL_ADDRESS: '100000/1h',
  LIMIT_MAIL_NETWORK: '100000/1h',
  LIMIT_EMAIL_CODE_ACCOUNT: '100000/1h',
  EMAIL_LOGIN: 'on',
}

test('response times do not reveal who has an account', async () => {
  const database = await createDatabase()
  const smtp = await startSmtp()
  const settings = { ...SETTINGS, DATABASE_URL: database.url, SMTP_URL: smtp.url }
  const open = await startProcess(settings)
  const verifying = await startProcess({ ...settings, EMAIL_VERIFICATION: 'required' })
  const closed = await startProcess({ ...settings, REGISTRATION: 'closed' })
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
      const email = known.has(name) ? name : newAddress()
      const { errors } = await send(verifying.url ?? '', Register, { input: { email, password: PASSWORD } })
      expect(errors).toEqual([])
    })
    const verifyingLogin = await measure({ strange: names(), guessed: kinds.wrong }, async identifier => {
      const { errors } = await send(verifying.url ?? '', Login, {
        input: { identifier, password: 'a wrong guess' },
      })
      expect(codes({ errors })).toEqual(['INVALID_CREDENTIALS'])
    })
    // Addresses that the attacker has registered, with and without an account.
    const own = { taken: await accounts(open.url), free: names() }
    for (const email of Object.values(own).flat()) {
      await send(verifying.url ?? '', Register, { input: { email, password: MINE } })
    }
    const ownLogin = await measure(own, async identifier => {
      const { errors } = await send(verifying.url ?? '', Login, { input: { identifier, password: MINE } })
      expect(codes({ errors })).toEqual(['EMAIL_NOT_VERIFIED'])
    })
    const reset = await measure(
      { resetOfUnknown: names(), resetOfKnown: kinds.wrong, resetOfDisabled: kinds.disabled },
      async email => {
        const { errors } = await send(open.url ?? '', RequestPasswordReset, { input: { email } })
        expect(errors).toEqual([])
      },
    )
    // With open registration every address receives an email; with closed registration a strange one does not.
    const requestEmail = async (url: string, email: string) => {
      const { data, errors } = await send(url, RequestEmailLogin, { input: { email } })
      expect(errors).toEqual([])
      return data?.requestEmailLogin.ticket ?? ''
    }
    const emailLogin = await measure({ emailToNew: names(), emailToKnown: kinds.wrong }, async email => {
      await requestEmail(open.url ?? '', email)
    })
    const closedLogin = await measure(
      { noEmailToUnknown: names(), noEmailToDisabled: kinds.disabled, closedToKnown: kinds.wrong },
      async email => {
        await requestEmail(closed.url ?? '', email)
      },
    )
    const tickets = new Map<string, string>()
    const codesOf = { codeOfUnknown: names(), codeOfKnown: kinds.wrong }
    for (const email of Object.values(codesOf).flat())
      tickets.set(email, await requestEmail(closed.url ?? '', email))
    const code = await measure(codesOf, async email => {
      const input = { ticket: tickets.get(email) ?? '', code: '000000' }
      const { errors } = await send(closed.url ?? '', LoginWithEmail, { input })
      expect(codes({ errors })).toEqual(['CODE_INVALID'])
    })
    const found: [what: string, area: number, tolerance: number][] = [
      ['login: unknown or wrong password', area(login.unknown, login.wrong), 0.05],
      ['login: disabled or wrong password', area(login.disabled, login.wrong), 0.05],
      ['register, with verification: known or new', area(register.known, register.new), 0.05],
      [
        'login, with verification: unknown or known',
        area(verifyingLogin.strange, verifyingLogin.guessed),
        0.05,
      ],
      ['login with a registered password: taken or free', area(ownLogin.taken, ownLogin.free), 0.05],
      ['reset: unknown or known', area(reset.resetOfUnknown, reset.resetOfKnown), 0.05],
      ['reset: disabled or unknown', area(reset.resetOfDisabled, reset.resetOfUnknown), 0.05],
      ['email to sign in: new or known', area(emailLogin.emailToNew, emailLogin.emailToKnown), 0.05],
      [
        'email to sign in, registration closed: unknown or known',
        area(closedLogin.noEmailToUnknown, closedLogin.closedToKnown),
        0.05,
      ],
      [
        'email to sign in, registration closed: disabled or unknown',
        area(closedLogin.noEmailToDisabled, closedLogin.noEmailToUnknown),
        0.05,
      ],
      ['wrong emailed code: unknown or known', area(code.codeOfUnknown, code.codeOfKnown), 0.05],
    ]
    const lines = [
      ...found.map(([what, value]) => `${what}: AUC ${value.toFixed(3)}`),
      ...Object.entries({
        ...login,
        ...register,
        ...verifyingLogin,
        ...ownLogin,
        ...reset,
        ...emailLogin,
        ...closedLogin,
        ...code,
      }).map(([kind, times]) => `${kind}: median ${median(times).toFixed(2)} ms`),
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
    for (const [what, value, tolerance] of found) {
      expect([what, value, Math.abs(value - 0.5) < tolerance]).toEqual([what, value, true])
    }
  } finally {
    for (const server of [open, verifying, closed]) {
      server.kill('SIGTERM')
      await server.ended
    }
    await smtp.close()
    await database.drop()
  }
}, 600_000)

function names(): string[] {
  return Array.from({ length: NAMES }, () => newAddress())
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

/** The milliseconds of each attempt, by kind. The kinds take turns in a changing order. */
async function measure<Kind extends string>(
  kinds: Record<Kind, string[]>,
  attempt: (name: string) => Promise<void>,
): Promise<Record<Kind, number[]>> {
  const order = Object.keys(kinds) as Kind[]
  const times = Object.fromEntries(order.map(kind => [kind, []])) as unknown as Record<Kind, number[]>
  // Another tenth comes first to warm up, and does not count.
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

/** The probability that a value of `a` is larger than one of `b`; ties count half (Mann–Whitney U). */
function area(a: number[], b: number[]): number {
  let wins = 0
  for (const one of a) for (const other of b) wins += one > other ? 1 : one === other ? 0.5 : 0
  return wins / (a.length * b.length)
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
