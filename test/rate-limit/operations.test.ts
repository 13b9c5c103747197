import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { mailedToken } from '../support/mails.ts'
import {
  ChangePassword,
  ConfirmEmailChange,
  Login,
  Reauthenticate,
  Refresh,
  Register,
  RequestEmailChange,
  RequestPasswordReset,
  ResendVerificationEmail,
  ResetPassword,
  UndoEmailChange,
  VerifyEmail,
} from '../support/operations.ts'
import { codes, type Reply, type Service, startService, useService } from '../support/service.ts'
import { refresh, refreshed, stateOf } from '../support/sessions.ts'

/** Small enough to be spent; the addresses of clients are what they say in X-Forwarded-For. */
const settings = {
  TRUSTED_PROXIES: '127.0.0.1, ::1',
  LIMIT_LOGIN_ACCOUNT: '4/15m',
  LIMIT_LOGIN_DEVICE: '2/15m',
  LIMIT_LOGIN_NETWORK: '6/15m',
  LIMIT_REGISTER_NETWORK: '5/1h',
  LIMIT_PROOF_ACCOUNT: '3/15m',
  LIMIT_REFRESH_NETWORK: '3/15m',
  LIMIT_MAIL_ADDRESS: '2/1h',
  LIMIT_MAIL_NETWORK: '6/1h',
  LIMIT_TOKEN_NETWORK: '3/15m',
}
const service = useService({ settings })
let replica: Service
beforeAll(async () => {
  const databaseUrl = service.app.config.database.url ?? ''
  // One mail server, whichever of both sends.
  const SMTP_URL = service.app.config.mail.smtpUrl ?? ''
  replica = await startService({ databaseUrl, settings: { ...settings, SMTP_URL }, clock: service.clock })
})
afterAll(() => replica.close())

let network = 0
/** The headers of a client in a network that no client has used before. */
function elsewhere() {
  network += 1
  return { 'x-forwarded-for': `198.18.${network >> 8}.${network & 255}` }
}

type Sent = { password?: string; headers?: Record<string, string>; deviceToken?: string; on?: Service }

const login = (
  identifier: string,
  { password = 'wrong', headers = elsewhere(), deviceToken, on = service }: Sent = {},
) => on.send(Login, { input: { identifier, password, ...(deviceToken && { deviceToken }) } }, { headers })
const signIn = (identifier: string, sent: Sent = {}) => login(identifier, { password: PASSWORD, ...sent })
const register = (headers = elsewhere(), on = service) =>
  on.send(Register, { input: { email: newAddress(), password: PASSWORD } }, { headers })

/** An account that is known to no other device than its own. */
async function newAccount() {
  const headers = elsewhere()
  const email = newAddress()
  const username = randomUUID().slice(0, 30)
  const { data } = await service.send(
    Register,
    { input: { email, username, password: PASSWORD } },
    { headers },
  )
  if (data?.register.__typename !== 'AuthPayload') throw new Error('not signed in')
  const { accessToken, refreshToken, deviceToken, user } = data.register
  return {
    id: user.id,
    email,
    username,
    headers,
    accessToken,
    refreshToken: refreshToken ?? '',
    deviceToken: deviceToken ?? '',
  }
}

async function lock(account: { email: string }): Promise<void> {
  for (let count = 0; count < 5; count++) await login(account.email)
  expect(codes(await signIn(account.email))).toEqual(['RATE_LIMITED'])
}

function expectLimited(reply: Reply<unknown>, retryAfter = 30): void {
  expect(reply.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }])
  const wait = Number(reply.errors[0]?.extensions.retryAfter)
  expect([retryAfter - 1, retryAfter]).toContain(wait)
  expect(reply.headers.get('retry-after')).toBe(String(wait))
}

/** What is counted, how many are free, and one that is: sent to either replica in turn. */
const rules: [
  rule: string,
  free: number,
  prepare: () => Promise<(on: Service) => Promise<Reply<unknown>>>,
][] = [
  [
    'login.account',
    4,
    async () => {
      const { email } = await newAccount()
      const names = [email, ` ${email.toUpperCase()} `, `${email} `]
      return on => {
        names.push(names.shift() ?? '')
        return login(names[0] ?? '', { on })
      }
    },
  ],
  [
    'login.account',
    4,
    async () => {
      const { username } = await newAccount()
      const names = [username, username.toUpperCase()]
      return on => {
        names.push(names.shift() ?? '')
        return login(names[0] ?? '', { on })
      }
    },
  ],
  [
    'login.account',
    4,
    async () => {
      const names = [`zoë.${network}@bücher.example`, ` ZOE\u0308.${network}@xn--bcher-kva.example`]
      return on => {
        names.reverse()
        return login(names[0] ?? '', { on })
      }
    },
  ],
  [
    'login.network',
    6,
    async () => {
      network += 1
      return on =>
        login(randomUUID(), {
          on,
          headers: { 'x-forwarded-for': `2001:db8:${network}:1::${randomUUID().slice(0, 4)}` },
        })
    },
  ],
  [
    'register.network',
    5,
    async () => {
      const headers = elsewhere()
      return on => register(headers, on)
    },
  ],
  [
    'proof.account',
    3,
    async () => {
      const { accessToken: token } = await newAccount()
      const wrong = { password: 'wrong', currentPassword: 'wrong', newPassword: 'eighteen copper kettles' }
      const { password, ...change } = wrong
      let turn = 0
      return on =>
        turn++ % 2
          ? on.send(ChangePassword, { input: change }, { token, headers: elsewhere() })
          : on.send(Reauthenticate, { input: { password } }, { token, headers: elsewhere() })
    },
  ],
  [
    'refresh.network',
    3,
    async () => {
      const headers = elsewhere()
      return on => refresh(on, randomUUID(), {}, { headers })
    },
  ],
  ['mail.address', 2, async () => mailTo(RequestPasswordReset, (await newAccount()).email)],
  ['mail.address', 2, async () => mailTo(ResendVerificationEmail, newAddress())],
  [
    'mail.network',
    6,
    async () => {
      const headers = elsewhere()
      return on => on.send(RequestPasswordReset, { input: { email: newAddress() } }, { headers })
    },
  ],
  [
    'token.network',
    3,
    async () => {
      const headers = elsewhere()
      const input = { token: 'none', newPassword: 'eighteen copper kettles' }
      const ways: ((on: Service) => Promise<Reply<unknown>>)[] = [
        on => on.send(ResetPassword, { input }, { headers }),
        on => on.send(VerifyEmail, { input: { token: 'none' } }, { headers }),
        on => on.send(ConfirmEmailChange, { input: { token: 'none' } }, { headers }),
        on => on.send(UndoEmailChange, { input: { token: 'none' } }, { headers }),
      ]
      return on => {
        ways.push(ways.shift()!)
        return ways[0]!(on)
      }
    },
  ],
]

/** Asks for emails to an address, under either spelling. */
function mailTo(document: typeof RequestPasswordReset | typeof ResendVerificationEmail, email: string) {
  const spellings = [email, ` ${email.toUpperCase()}`]
  let turn = 0
  return (on: Service) => {
    const input = { email: spellings[turn++ % 2] ?? email }
    return on.send<unknown, { input: { email: string } }>(document, { input }, { headers: elsewhere() })
  }
}

describe('every rule holds across replicas, for sequential and concurrent requests:', () => {
  test.each(rules)('%s', async (rule, free, prepare) => {
    const hits = () =>
      service.app.db.auditEvent.count({
        where: { action: 'limit.hit', detail: { path: ['rule'], equals: rule } },
      })
    const before = await hits()

    const one = await prepare()
    for (let count = 0; count < free; count++) {
      expect(codes(await one(count % 2 ? service : replica))).not.toContain('RATE_LIMITED')
    }
    expectLimited(await one(service))
    expectLimited(await one(replica))
    service.clock.advance(31)
    expect(codes(await one(service))).not.toContain('RATE_LIMITED')
    expectLimited(await one(replica), 60)
    expect(await hits()).toBe(before + 2)

    const other = await prepare()
    const replies = await Promise.all(
      Array.from({ length: 24 }, (_, at) => other(at % 2 ? service : replica)),
    )
    expect(replies.flatMap(codes).filter(code => code === 'RATE_LIMITED')).toHaveLength(24 - free)
  })
})

test('an attempt is refused before anything is hashed', async () => {
  const { email } = await newAccount()
  const { hasher } = service.app
  const verify = hasher.verify.bind(hasher)
  let hashed = 0
  hasher.verify = (...args) => {
    hashed += 1
    return verify(...args)
  }
  try {
    await Promise.all(Array.from({ length: 30 }, () => login(email)))
  } finally {
    hasher.verify = verify
  }
  expect(hashed).toBe(4)
})

describe('aliases', () => {
  const document = (count: number) => {
    const input = () => `{ email: "${randomUUID()}@example.com", password: "${PASSWORD}" }`
    const fields = Array.from(
      { length: count },
      (_, at) => `a${at}: register(input: ${input()}) { __typename }`,
    )
    return `mutation { ${fields.join(' ')} }`
  }

  test('are counted individually', async () => {
    const headers = elsewhere()
    expect(codes(await service.send(document(3), {}, { headers }))).toEqual([])
    const second = await service.send(document(3), {}, { headers })
    expectLimited(second)
    expect(second.errors[0]?.path).toEqual(['a2'])
  })

  test('beyond a few are refused, and then none is counted', async () => {
    const headers = elsewhere()
    for (let count = 0; count < 3; count++) {
      expect(codes(await service.send(document(4), {}, { headers }))).toEqual(['QUERY_TOO_COMPLEX'])
    }
    expect(codes(await service.send(document(3), {}, { headers }))).toEqual([])
  })
})

describe('while an attacker keeps an account locked, its owner', () => {
  test('can keep using existing sessions', async () => {
    const account = await newAccount()
    await lock(account)
    const pair = await refreshed(service, account.refreshToken, {}, { headers: elsewhere() })
    expect(await stateOf(service, pair.accessToken)).toBe('LIVE')
    const proof = await service.send(
      Reauthenticate,
      { input: { password: PASSWORD } },
      { token: pair.accessToken, headers: elsewhere() },
    )
    expect(codes(proof)).toEqual([])
  })

  test('can sign in from a device of the account, which has its own attempts', async () => {
    const account = await newAccount()
    const { deviceToken } = account
    await lock(account)
    expect(codes(await signIn(account.email, { deviceToken }))).toEqual([])
    await lock(account)
    for (const code of ['INVALID_CREDENTIALS', 'INVALID_CREDENTIALS', 'RATE_LIMITED']) {
      expect(codes(await login(account.email, { deviceToken }))).toEqual([code])
    }
  })

  test('gets no additional attempts in a network used for an earlier sign-in', async () => {
    const account = await newAccount()
    await lock(account)
    expect(codes(await signIn(account.email, { headers: account.headers }))).toEqual(['RATE_LIMITED'])
  })

  test('can sign in from anywhere after the block', async () => {
    const account = await newAccount()
    await lock(account)
    service.clock.advance(31)
    expect(codes(await signIn(account.email))).toEqual([])
    for (let count = 0; count < 4; count++)
      expect(codes(await login(account.email))).toEqual(['INVALID_CREDENTIALS'])
  })
})

test('signing in to your own account gives you no further guesses at others', async () => {
  const { email, headers } = await newAccount()
  const outcomes: string[] = []
  for (let count = 0; count < 8; count++) {
    await signIn(email, { headers })
    outcomes.push(...codes(await login(randomUUID(), { headers })))
  }
  expect(outcomes).toEqual([...Array(6).fill('INVALID_CREDENTIALS'), 'RATE_LIMITED', 'RATE_LIMITED'])
})

describe('correct passwords', () => {
  const budget = { ...settings, LIMIT_WORK_ACCOUNT: '6/15m', LIMIT_WORK_NETWORK: '10/15m' }
  let limited: Service
  beforeAll(async () => {
    const databaseUrl = service.app.config.database.url ?? ''
    limited = await startService({ databaseUrl, settings: budget, clock: service.clock })
  })
  afterAll(() => limited.close())

  /** How many of 40 requests got as far as being hashed. */
  async function hashedOf(request: (at: number) => Promise<unknown>): Promise<number> {
    const { hasher } = limited.app
    const verify = hasher.verify.bind(hasher)
    let hashed = 0
    hasher.verify = (...args) => {
      hashed += 1
      return verify(...args)
    }
    try {
      for (let at = 0; at < 40; at++) await request(at)
      return hashed
    } finally {
      hasher.verify = verify
    }
  }

  test('for one account are limited, from any network and device', async () => {
    const { email, deviceToken } = await newAccount()
    // 6 are given back; then 4 of the name are left, and 2 of the device.
    expect(await hashedOf(() => signIn(email, { on: limited, deviceToken }))).toBe(12)
  })

  test('for many accounts from one network are limited', async () => {
    const accounts: Awaited<ReturnType<typeof newAccount>>[] = []
    for (let count = 0; count < 5; count++) accounts.push(await newAccount())
    const headers = elsewhere()
    const hashed = await hashedOf(at => {
      const { email, deviceToken } = accounts[at % 5]!
      return signIn(email, { on: limited, headers, deviceToken })
    })
    // 10 are given back, then 6 of the network are left.
    expect(hashed).toBe(16)
  })

  test('in a session are limited', async () => {
    const { accessToken: token } = await newAccount()
    const prove = () =>
      limited.send(Reauthenticate, { input: { password: PASSWORD } }, { token, headers: elsewhere() })
    expect(await hashedOf(prove)).toBe(9)
  })

  test('have a budget that strangers cannot use up, and still sign in when it is used up', async () => {
    const { email } = await newAccount()
    for (let count = 0; count < 60; count++) {
      await login(email, { on: limited })
      limited.clock.advance(count % 5 ? 0 : 31)
    }
    limited.clock.advance(3601)
    for (let count = 0; count < 8; count++) {
      expect(codes(await signIn(email, { on: limited }))).toEqual([])
    }
  })
})

test('a change of address counts as an email to the new address, even if that has an account', async () => {
  const [{ accessToken: token }, other] = [await newAccount(), await newAccount()]
  const change = (newEmail: string) =>
    service.send(RequestEmailChange, { input: { newEmail } }, { token, headers: elsewhere() })
  for (const address of [other.email, newAddress()]) {
    for (let count = 0; count < 2; count++) expect(codes(await change(address))).toEqual([])
    expectLimited(await change(address))
  }
})

describe('emails that anyone can request', () => {
  test('are limited by kind: requesting other links does not use up the resets', async () => {
    const { email } = await newAccount()
    const resend = mailTo(ResendVerificationEmail, email)
    // The registration has sent the first one.
    expect(codes(await resend(service))).toEqual([])
    expectLimited(await resend(service))
    expect(codes(await mailTo(RequestPasswordReset, email)(service))).toEqual([])
  })

  test('are never blocked for longer than the last sent link is valid', async () => {
    const { email } = await newAccount()
    const ask = mailTo(RequestPasswordReset, email)
    const waits: number[] = []
    for (let count = 0; count < 24; count++) {
      const { errors } = await ask(service)
      const wait = Number(errors[0]?.extensions.retryAfter ?? 0)
      waits.push(wait)
      service.clock.advance(wait)
    }
    expect(Math.max(...waits)).toBe(30 * 60)
  })
})

test('a copy of the counts confirms no name and no address', async () => {
  const { email, username } = await newAccount()
  await login(email)
  await login(username)
  await mailTo(RequestPasswordReset, email)(service)
  const { rows } = await service.app.pool.query<{ key: string }>('SELECT key FROM rate_limits')
  const keys = rows.map(({ key }) => key).join(' ')
  for (const text of [email, username]) {
    expect(keys).not.toContain(text)
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(keys).not.toContain(createHash('sha256').update(text).digest(form).slice(0, 16))
  }
})

test('a valid token from an email is never counted and never blocked with a network that tried invalid ones', async () => {
  const { email } = await newAccount()
  const headers = elsewhere()
  const verify = (token: string) => service.send(VerifyEmail, { input: { token } }, { headers })
  for (let count = 0; count < 3; count++) expect(codes(await verify('none'))).toEqual(['TOKEN_INVALID'])
  expectLimited(await verify('none'))
  expect(codes(await verify(await mailedToken(service, email, 'verify-email')))).toEqual([])
})

test('a valid refresh token is never counted and never blocked with a network that tried invalid ones', async () => {
  const { headers, refreshToken } = await newAccount()
  let token = refreshToken
  for (let count = 0; count < 5; count++)
    token = (await refreshed(service, token, {}, { headers })).refreshToken
  for (let count = 0; count < 5; count++) await refresh(service, randomUUID(), {}, { headers })
  expectLimited(await refresh(service, randomUUID(), {}, { headers }))
  await refreshed(service, token, {}, { headers })
})

test('a refresh without a token is never counted, because every page sends one to check for a session', async () => {
  const headers = elsewhere()
  const page = { headers: { ...headers, origin: service.app.config.publicUrl } }
  for (let count = 0; count < 6; count++)
    expect(codes(await service.send(Refresh, {}, page))).toEqual(['REFRESH_TOKEN_INVALID'])
})

test('if attempts cannot be counted, no one can sign in, and other operations work', async () => {
  const account = await newAccount()
  await service.app.pool.query('ALTER TABLE rate_limits RENAME TO rate_limits_gone')
  try {
    expect(codes(await signIn(account.email))).toEqual(['INTERNAL_SERVER_ERROR'])
    expect(codes(await register())).toEqual(['INTERNAL_SERVER_ERROR'])
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    await refreshed(service, account.refreshToken)
  } finally {
    await service.app.pool.query('ALTER TABLE rate_limits_gone RENAME TO rate_limits')
  }
  expect(service.logged.splice(0)).toHaveLength(2)
  expect(await service.app.db.session.count({ where: { userId: account.id } })).toBe(1)
})

describe('registrations count as emails, so that emails cannot be sent without limit:', () => {
  const registerAs = (email: string) =>
    service.send(Register, { input: { email, password: PASSWORD } }, { headers: elsewhere() })

  test.each([
    ['under many tags', 'tags.example', (count: number) => `ada+${count}`],
    [
      'with dots anywhere, for Gmail',
      'gmail.com',
      (count: number) => `ada${'.x'.repeat(count)}${'x'.repeat(9 - count)}`,
    ],
  ])('to one mailbox %s, from any networks', async (_how, domain, localPart) => {
    const replies: Reply<unknown>[] = []
    for (let count = 0; count < 8; count++) replies.push(await registerAs(`${localPart(count)}@${domain}`))
    expect(replies.flatMap(codes)).toEqual(Array(6).fill('RATE_LIMITED'))
    const sent = { recipient: { endsWith: `@${domain}` }, template: 'verify-email' }
    expect(await service.app.db.mail.count({ where: sent })).toBe(2)
  })

  test('from one network, together with the resets that are requested from it', async () => {
    const headers = elsewhere()
    for (let count = 0; count < 3; count++) {
      const input = { email: newAddress() }
      expect(codes(await service.send(RequestPasswordReset, { input }, { headers }))).toEqual([])
      expect(codes(await register(headers))).toEqual([])
    }
    expectLimited(await register(headers, replica))
  })

  test('those for different mailboxes are counted separately', async () => {
    for (const name of ['ada', 'grace', 'a.da', 'joan'])
      for (let count = 0; count < 2; count++)
        expect(codes(await registerAs(`${name}+${count}@apart.example`))).toEqual([])
  })

  test('an address that has an account is limited like a new one', async () => {
    const known = (await newAccount()).email
    const fresh = newAddress()
    await registerAs(fresh)
    const outcomes = async (email: string) => {
      const replies = [await registerAs(email), await registerAs(email), await registerAs(email)]
      return replies.flatMap(codes)
    }
    expect(await outcomes(known)).toEqual(['EMAIL_TAKEN', 'RATE_LIMITED', 'RATE_LIMITED'])
    expect(await outcomes(fresh)).toEqual(['EMAIL_TAKEN', 'RATE_LIMITED', 'RATE_LIMITED'])
  })
})
