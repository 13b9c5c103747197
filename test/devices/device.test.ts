import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { prune } from '../../src/maintenance/prune.ts'
import type { LoginInput } from '../generated/graphql.ts'
import { newAddress, newUsername, PASSWORD } from '../support/actors.ts'
import { mailedToken } from '../support/mails.ts'
import {
  ChangePassword,
  DeleteAccount,
  ExportAccount,
  Login,
  Register,
  RequestPasswordReset,
  ResetPassword,
} from '../support/operations.ts'
import { watchQueries } from '../support/queries.ts'
import {
  codes,
  type Reply,
  type Sending,
  type Service,
  startService,
  useService,
} from '../support/service.ts'
import { DAY, refresh } from '../support/sessions.ts'

const OURS = 'http://localhost:4000'
const settings = {
  PUBLIC_URL: OURS,
  TRUSTED_PROXIES: '127.0.0.1, ::1',
  LIMIT_LOGIN_ACCOUNT: '3/15m',
  LIMIT_LOGIN_DEVICE: '2/15m',
  LIMIT_LOGIN_NETWORK: '20/15m',
  // Allows for a busy machine: these tests check who may sign in, not how fast.
  HASH_WAIT_MS: '30000',
}
const service = useService({ settings })

let network = 0
const elsewhere = () => {
  network += 1
  return { 'x-forwarded-for': `198.18.7.${network}` }
}

const login = (
  input: Partial<LoginInput>,
  sending: Sending = { headers: elsewhere() },
  on: Service = service,
) => on.send(Login, { input: { identifier: '', password: PASSWORD, ...input } }, sending)

/** An account with the device token of the app that registered it. */
async function newAccount(input: { deviceToken?: string } = {}) {
  const names = { email: newAddress(), username: newUsername() }
  const reply = await service.send(
    Register,
    { input: { ...names, ...input, password: PASSWORD } },
    { headers: elsewhere() },
  )
  const payload = reply.data?.register
  if (payload?.__typename !== 'AuthPayload') throw new Error(JSON.stringify(reply.errors))
  const { accessToken, refreshToken, deviceToken, user } = payload
  // Only verified addresses receive notices.
  await service.app.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt: service.clock.now() } })
  return {
    ...names,
    id: user.id,
    accessToken,
    refreshToken: refreshToken ?? '',
    deviceToken: deviceToken ?? '',
  }
}

async function block(identifier: string): Promise<void> {
  for (let count = 0; count < 4; count++) await login({ identifier, password: 'wrong' })
  expect(codes(await login({ identifier }))).toEqual(['RATE_LIMITED'])
}

const deviceCookieOf = ({ headers }: Reply<unknown>) =>
  headers.getSetCookie().find(line => /^(__Host-)?authograph_device=/.test(line))

const noticesTo = async (recipient: string) =>
  service.app.db.mail.count({ where: { recipient, template: 'new-device' } })

describe('a device token', () => {
  test('an app receives a device token with each sign-in, and it stays the same for all accounts', async () => {
    const first = await newAccount()
    expect(first.deviceToken).toMatch(/^[\w-]{43}\.[\w-]{43}$/)
    const again = await login({ identifier: first.email, deviceToken: first.deviceToken })
    expect(again.data?.login.deviceToken).toBe(first.deviceToken)
    const second = await newAccount({ deviceToken: first.deviceToken })
    expect(second.deviceToken).toBe(first.deviceToken)
    const without = await login({ identifier: first.email })
    expect(without.data?.login.deviceToken).not.toBe(first.deviceToken)
    expect(deviceCookieOf(without)).toBeUndefined()
    expect((await refresh(service, first.refreshToken)).data?.refreshToken).toMatchObject({
      deviceToken: null,
    })
  })

  test('a page’s device token is a cookie that outlives the session, out of reach of scripts and other sites', async () => {
    const { id, email } = await newAccount()
    // Only a verified address receives notices.
    await service.app.db.user.update({ where: { id }, data: { emailVerifiedAt: service.clock.now() } })
    const input = { identifier: email, tokenTransport: 'COOKIE', rememberMe: false } as const
    const reply = await login(input)
    expect(reply.data?.login.deviceToken).toBeNull()
    const cookie = deviceCookieOf(reply)
    expect(cookie).toMatch(
      /^authograph_device=[\w-]{43}\.[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    const kept = String(cookie?.split(';')[0])
    const again = await login(input, { headers: { ...elsewhere(), cookie: kept, origin: OURS } })
    expect(deviceCookieOf(again)).toBe(cookie)
    expect(await noticesTo(email)).toBe(1)
    // A page of another site cannot use the cookie, and an app does not read it.
    const foreign = { ...elsewhere(), cookie: kept, origin: 'https://evil.example' }
    expect(deviceCookieOf(await login(input, { headers: foreign }))).not.toBe(cookie)
    const app = await login(
      { identifier: email },
      { headers: { ...elsewhere(), cookie: kept, origin: OURS } },
    )
    expect(kept).not.toContain(String(app.data?.login.deviceToken))
  })

  test('over https the device cookie is bound to the host', async () => {
    const secure = await startService({ settings: { PUBLIC_URL: 'https://auth.example.com' } })
    try {
      const input = { email: 'ada@example.com', password: PASSWORD, tokenTransport: 'COOKIE' } as const
      const cookie = deviceCookieOf(await secure.send(Register, { input }))
      expect(cookie).toMatch(/^__Host-authograph_device=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    } finally {
      await secure.close()
    }
  })

  test('a device token that this server did not sign costs no query and has no effect on the sign-in', async () => {
    const { email, deviceToken } = await newAccount()
    const [secret = '', signature = ''] = deviceToken.split('.')
    const junk = [
      `${secret}.${secret}`,
      `${signature}.${signature}`,
      secret,
      `${deviceToken}x`,
      'x'.repeat(9000),
      '',
    ]
    for (const token of junk) {
      const { data } = await login({ identifier: email, deviceToken: token })
      expect(data?.login.deviceToken).toMatch(/^[\w-]{43}\.[\w-]{43}$/)
      expect(data?.login.deviceToken).not.toBe(deviceToken)
    }
    await block(email)
    const queries: unknown[] = []
    const stop = watchQueries(service.app, name => queries.push(name))
    try {
      for (const token of junk)
        expect(codes(await login({ identifier: email, deviceToken: token }))).toEqual(['RATE_LIMITED'])
    } finally {
      stop()
    }
    expect(queries.filter(name => !String(name).startsWith('limit-count'))).toEqual([])
  })

  test('a device token cannot be forged from a copy of the database', async () => {
    const { id, deviceToken } = await newAccount()
    const [secret = ''] = deviceToken.split('.')
    const rows = await service.app.pool.query('SELECT d::text AS row FROM devices d WHERE user_id = $1', [id])
    expect(rows.rows).toHaveLength(1)
    for (const form of [
      secret,
      Buffer.from(secret, 'base64url').toString('hex'),
      Buffer.from(secret).toString('hex'),
    ])
      expect(JSON.stringify(rows.rows)).not.toContain(form)
  })
})

describe('while attackers use up the attempts', () => {
  test('a known device can still sign in to a blocked name, with a few attempts of its own', async () => {
    const { email, username, deviceToken } = await newAccount()
    for (const identifier of [email, username]) {
      await block(identifier)
      expect(codes(await login({ identifier, deviceToken }))).toEqual([])
    }
    await block(email)
    const guess = () => login({ identifier: email, password: 'wrong', deviceToken })
    expect([...codes(await guess()), ...codes(await guess()), ...codes(await guess())]).toEqual([
      'INVALID_CREDENTIALS',
      'INVALID_CREDENTIALS',
      'RATE_LIMITED',
    ])
  })

  test('only known devices can still sign in from a blocked network', async () => {
    const office = elsewhere()
    const ada = await newAccount()
    const bob = await newAccount()
    const junk = () => login({ identifier: randomUUID(), password: 'junk' }, { headers: office })
    for (let count = 0; count < 20; count++) expect(codes(await junk())).toEqual(['INVALID_CREDENTIALS'])
    for (const { email, deviceToken } of [ada, bob, ada]) {
      expect(codes(await login({ identifier: email }, { headers: office }))).toEqual(['RATE_LIMITED'])
      expect(codes(await login({ identifier: email, deviceToken }, { headers: office }))).toEqual([])
    }
  })

  test('a device that one account knows cannot sign in to another blocked account', async () => {
    const [mine, victim] = [await newAccount(), await newAccount()]
    await block(victim.email)
    const reply = await login({ identifier: victim.email, deviceToken: mine.deviceToken })
    expect(codes(reply)).toEqual(['RATE_LIMITED'])
  })

  test('an attacker with a device of their own cannot find out which names have accounts', async () => {
    const [mine, victim] = [await newAccount(), await newAccount()]
    const unknown = newAddress()
    await block(victim.email)
    await block(unknown)
    const seen: unknown[] = []
    const steps: unknown[] = []
    const stop = watchQueries(service.app, name => steps.push(name))
    try {
      for (const identifier of [victim.email, unknown]) {
        const { status, data, errors } = await login({
          identifier,
          password: 'wrong',
          deviceToken: mine.deviceToken,
        })
        seen.push({ status, data, errors, steps: steps.splice(0) })
      }
    } finally {
      stop()
    }
    expect(seen[0]).toEqual(seen[1])
  })

  test('the refusal explains to everyone in the same words how to sign in despite the block', async () => {
    const { email } = await newAccount()
    const answers: unknown[] = []
    for (const [identifier, password] of [
      [email, PASSWORD],
      [email, 'wrong'],
      [newAddress(), PASSWORD],
    ] as const) {
      await block(identifier)
      const [error] = (await login({ identifier, password })).errors
      answers.push([error?.message, Number(error?.extensions.retryAfter) > 25])
    }
    expect(answers[0]).toEqual([expect.stringMatching(/set a new password with “Forgot password”/), true])
    expect(answers).toEqual([answers[0], answers[0], answers[0]])
  })

  test('a browser that set a new password with an emailed link can sign in despite the block', async () => {
    const { email, deviceToken } = await newAccount()
    await block(email)
    await service.send(RequestPasswordReset, { input: { email } }, { headers: elsewhere() })
    const input = {
      token: await mailedToken(service, email, 'reset-password'),
      newPassword: 'eighteen copper kettles',
    }
    const reset = await service.send(ResetPassword, { input }, { headers: { ...elsewhere(), origin: OURS } })
    expect(codes(reset)).toEqual([])
    const password = input.newPassword
    for (let count = 0; count < 4; count++) await login({ identifier: email, password: 'wrong' })
    const cookie = String(deviceCookieOf(reset)?.split(';')[0])
    const page = { headers: { ...elsewhere(), cookie, origin: OURS } }
    expect(codes(await login({ identifier: email, password, tokenTransport: 'COOKIE' }, page))).toEqual([])
    // A thief of the old password no longer has a known device.
    await block(email)
    expect(codes(await login({ identifier: email, password, deviceToken }))).toEqual(['RATE_LIMITED'])
  })
})

describe('an account', () => {
  test('an account forgets its other devices when its password changes', async () => {
    const { email, accessToken: token, deviceToken } = await newAccount()
    const other = (await login({ identifier: email })).data?.login.deviceToken
    const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles', deviceToken }
    expect(codes(await service.send(ChangePassword, { input }, { token, headers: elsewhere() }))).toEqual([])
    await block(email)
    const signIn = (device: string | null | undefined) =>
      login({ identifier: email, password: input.newPassword, deviceToken: device ?? '' })
    expect(codes(await signIn(other))).toEqual(['RATE_LIMITED'])
    expect(codes(await signIn(deviceToken))).toEqual([])
  })

  test('an account knows at most its 100 latest devices', async () => {
    const { id, email, deviceToken } = await newAccount()
    for (let count = 0; count < 105; count++) {
      service.clock.advance(10)
      expect(codes(await login({ identifier: email }))).toEqual([])
    }
    expect(await service.app.db.device.count({ where: { userId: id } })).toBe(100)
    await block(email)
    expect(codes(await login({ identifier: email, deviceToken }))).toEqual(['RATE_LIMITED'])
  })

  test('an account forgets a device that has not signed in for 400 days', async () => {
    const used = await newAccount()
    const idle = await newAccount()
    service.clock.advance(399 * DAY)
    await login({ identifier: used.email, deviceToken: used.deviceToken })
    service.clock.advance(2 * DAY)
    await prune(service.app)
    const userId = { in: [used.id, idle.id] }
    expect(await service.app.db.device.findMany({ where: { userId }, select: { userId: true } })).toEqual([
      { userId: used.id },
    ])
  })

  test('devices are included in the export and deleted with the account', async () => {
    const { id, accessToken: token } = await newAccount()
    const { data } = await service.send(ExportAccount, {}, { token })
    const { devices } = JSON.parse(data?.exportAccount ?? '{}')
    const at = service.clock.now().toISOString()
    expect(devices).toEqual([
      {
        firstSeen: expect.any(String),
        lastSeen: expect.any(String),
        trustedUntil: null,
        deviceName: 'Node.js',
        ipAddress: expect.stringMatching(/^198\.18\./),
      },
    ])
    expect(devices[0].firstSeen <= at).toBe(true)
    expect(codes(await service.send(DeleteAccount, {}, { token }))).toEqual([])
    expect(await service.app.db.device.count({ where: { userId: id } })).toBe(0)
  })
})
