import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { requestErasure } from '../../src/audit/redact.ts'
import { databaseChecks } from '../../src/cli/checks.ts'
import { examine } from '../../src/cli/doctor.ts'
import { addSeconds } from '../../src/clock.ts'
import { signUp, signUpWith } from '../support/actors.ts'
import { build, runCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { startFakeProvider } from '../support/fake-provider.ts'
import { CHEAP_HASH } from '../support/foreign-hashes.ts'
import { createEmptyDatabase } from '../support/postgres.ts'
import { startService, useService } from '../support/service.ts'
import { startSmtp } from '../support/smtp.ts'
import { addSomePasskey, addSomeTotp } from '../support/some-factors.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'
const service = useService({ settings: { AUTHOGRAPH_SECRET } })

let folder: string
beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'authograph-doctor-'))
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

function settingsWith(settings: Record<string, string>) {
  return {
    DATABASE_URL: service.app.config.database.url!,
    AUTHOGRAPH_SECRET,
    DATA_DIR: folder,
    ...settings,
  }
}

/** What the command finds, without the second that a process takes to start. */
async function doctor(settings: Record<string, string> = {}) {
  const { healthy, checks } = await examine(settingsWith(settings))
  return { healthy, checks, of: (name: string) => checks.filter(check => check.name === name) }
}

test.each([
  ['settings that fit', {}, 0],
  ['an unknown mail server', { SMTP_URL: 'smtp://127.0.0.1:1' }, 1],
])(
  'with %s, the command writes the findings as JSON and exits with its code',
  async (_, settings: Record<string, string>, code) => {
    const { exitCode, stdout, stderr } = await runCli(['doctor', '--json'], {
      settings: settingsWith(settings),
    })
    expect([exitCode, stderr]).toEqual([code, ''])
    const found = JSON.parse(stdout) as Awaited<ReturnType<typeof examine>>
    const inBrief = (checks: typeof found.checks) => checks.map(({ name, status }) => `${status} ${name}`)
    expect(found.healthy).toBe(code === 0)
    expect(inBrief(found.checks)).toEqual(inBrief((await doctor(settings)).checks))
  },
)

test('doctor reports the result of every check and changes nothing', async () => {
  await signUpWith(service, 'admin')
  const tables = async () =>
    (
      await service.app.pool.query(
        'SELECT (SELECT count(*) FROM signing_keys), (SELECT count(*) FROM audit_events)',
      )
    ).rows
  const before = await tables()
  const { healthy, checks } = await doctor()
  expect(healthy).toBe(true)
  expect(checks.filter(({ status }) => status !== 'ok')).toEqual([])
  expect(checks.map(({ name }) => name)).toEqual([
    'settings',
    'public address',
    'data folder',
    'mail',
    'passkeys',
    'providers',
    'database',
    'server',
    'server',
    'server',
    'clock',
    'connections',
    'migrations',
    'keys',
    'administrators',
    'permissions',
    'passwords',
    'second factors',
    'bound sessions',
    'stored passkeys',
    'identities',
    'API keys',
    'services',
    'outbox',
    'revocations',
    'webhooks',
    'erasures',
    'audit log',
  ])
  expect(await tables()).toEqual(before)
})

test('the text output has a line for each check, with advice below it', async () => {
  const settings = { DATABASE_URL: 'postgresql://ada:hunter2hunter2@127.0.0.1:1/nowhere', AUTHOGRAPH_SECRET }
  const { exitCode, stdout, stderr } = await runCli(['doctor'], { settings })
  expect([exitCode, stderr]).toEqual([1, ''])
  expect(stdout).toContain('ok    settings        All settings are valid.\n')
  expect(stdout).toMatch(/\nfail {2}database {8}Can’t connect: .*ECONNREFUSED.*\n {22}→ Check DATABASE_URL/)
  expect(stdout).not.toContain('hunter2')
})

test('people with permissions and without a bound session are counted, if they need one', async () => {
  const find = async (settings?: Record<string, string>) =>
    (await doctor(settings)).of('bound sessions').map(({ status, message }) => [status, message])
  expect(await find()).toEqual([['ok', 'No session has to be bound to a key.']])
  const settings = { REQUIRE_BOUND_SESSIONS: 'on' }
  const before = await find(settings)
  const one = await signUpWith(service, 'support')
  const two = await signUpWith(service, 'support')
  const counted = async () => {
    const [[, message = ''] = []] = await find(settings)
    return Number(/^\d+/.exec(message)?.[0] ?? 0)
  }
  const first = Number(/^\d+/.exec(before[0]?.[1] ?? '')?.[0] ?? 0)
  expect(await counted()).toBe(first + 2)
  await service.app.db.session.update({ where: { id: one.sessionId }, data: { keyThumbprint: 'x' } })
  expect(await counted()).toBe(first + 1)
  await service.app.db.session.update({
    where: { id: two.sessionId },
    data: { keyThumbprint: 'x', revokedAt: new Date() },
  })
  expect(await counted()).toBe(first + 1)
  await service.app.db.user.updateMany({
    where: { id: { in: [one.id, two.id] } },
    data: { disabledAt: new Date() },
  })
})

test('people without a second factor in a role that requires one are counted, without those who are disabled', async () => {
  const name = `strict-${randomUUID().slice(0, 8)}`
  const secondFactorRequiredFrom = new Date('2030-01-01T00:00:00Z')
  await service.app.db.role.create({ data: { name, permissions: [], secondFactorRequiredFrom } })
  const rule = `The role ${name} requires a second factor from 2030-01-01T00:00:00.000Z on.`
  const findings = async () =>
    (await doctor()).of('second factors').map(({ status, message }) => [status, message])
  expect(await findings()).toEqual([['ok', `${rule} Everyone with the role has one.`]])
  const [one, two, disabled] = [
    await signUpWith(service, name),
    await signUpWith(service, name),
    await signUpWith(service, name),
  ]
  await service.app.db.user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } })
  await addSomeTotp(service, one.id)
  expect(await findings()).toEqual([['warn', `${rule} 1 of 2 people have none.`]])
  await addSomePasskey(service, two.id)
  expect(await findings()).toEqual([['ok', `${rule} Everyone with the role has one.`]])
  await service.app.db.passkey.deleteMany({ where: { userId: two.id } })
  await service.app.db.role.update({ where: { name }, data: { secondFactorRequiredFrom: null } })
})

test('all invalid settings are listed', async () => {
  const { checks } = await doctor({ PORT: 'http', SANDBOX: 'yes' })
  expect(checks.map(({ status, message }) => [status, message])).toEqual([
    ['fail', 'PORT: must be a number'],
    ['fail', 'SANDBOX: must be on or off'],
  ])
})

test('a database that a newer version has migrated fails without a stack trace', async () => {
  const newer = await startService({ settings: { AUTHOGRAPH_SECRET } })
  const DATABASE_URL = newer.app.config.database.url!
  try {
    await newer.app.pool.query(
      `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name) VALUES ('1', '', now(), '29990101000000_next')`,
    )
    const { healthy, of } = await doctor({ DATABASE_URL })
    expect(healthy).toBe(false)
    expect(of('migrations')).toMatchObject([
      {
        status: 'fail',
        message: expect.stringContaining('does not know. Start the version that applied it'),
      },
    ])
    const { exitCode, stderr } = await runCliHere(['prune'], {
      settings: { DATABASE_URL, AUTHOGRAPH_SECRET },
    })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^The database has the migration 29990101000000_next, .*\n$/)
  } finally {
    await newer.close()
  }
})

test('a missing database and a wrong secret are reported without a stack trace', async () => {
  const url = service.app.config.database.url!
  const there = { DATABASE_URL: url, AUTHOGRAPH_SECRET: 'another secret that the database was not used with' }
  const missing = { DATABASE_URL: url.replace(/authograph_db_\w+/, 'nowhere'), AUTHOGRAPH_SECRET }
  expect((await runCliHere(['prune'], { settings: missing })).stderr).toBe(
    'The database returned an error: database "nowhere" does not exist\n',
  )
  expect((await runCliHere(['rotate-keys'], { settings: there })).stderr).toMatch(
    /^The .* is sealed under another secret.*\n$/,
  )
})

test('a database without migrations is a warning, not a failure', async () => {
  const empty = await createEmptyDatabase()
  try {
    const { healthy, of, checks } = await doctor({ DATABASE_URL: empty.url })
    expect(healthy).toBe(true)
    expect(of('migrations')).toMatchObject([{ status: 'warn', advice: expect.stringContaining('migrate') }])
    expect(checks.at(-1)?.name).toBe('migrations')
  } finally {
    await empty.drop()
  }
})

test('doctor detects a wrong secret before the server starts with it', async () => {
  const AUTHOGRAPH_SECRET = 'quite another secret than that one'
  const { of } = await doctor({ AUTHOGRAPH_SECRET })
  expect(of('keys')).toMatchObject([{ status: 'fail', message: expect.stringContaining('another secret') }])
})

test('keys sealed with a previous secret are a warning', async () => {
  const { of } = await doctor({
    AUTHOGRAPH_SECRET: 'quite another secret than that one',
    AUTHOGRAPH_PREVIOUS_SECRETS: AUTHOGRAPH_SECRET,
  })
  expect(of('keys')).toMatchObject([{ status: 'warn', message: expect.stringContaining('PREVIOUS_SECRETS') }])
})

describe('settings in production', () => {
  const production = { NODE_ENV: 'production', MAIL: 'off' }

  test('a public address without https fails in production', async () => {
    const { of } = await doctor({ ...production, PUBLIC_URL: 'http://auth.example.com' })
    expect(of('public address')[0]).toMatchObject({
      status: 'fail',
      advice: expect.stringContaining('https'),
    })
  })

  test('insecure and missing settings are warnings in production', async () => {
    const { of } = await doctor({
      ...production,
      PUBLIC_URL: 'http://localhost:4000',
      SANDBOX: 'on',
      INTROSPECTION: 'on',
    })
    expect(of('public address').map(({ status, message }) => `${status} ${message}`)).toEqual([
      expect.stringMatching(/^warn PUBLIC_URL is http:\/\/localhost:4000/),
      expect.stringMatching(/^warn SANDBOX/),
      expect.stringMatching(/^warn INTROSPECTION/),
    ])
    const other = await doctor({ ...production, PUBLIC_URL: 'https://auth.example.com' })
    expect(other.of('public address')).toMatchObject([
      { status: 'warn', message: expect.stringContaining('TRUSTED_PROXIES') },
    ])
  })
})

test('an unreachable mail server fails, and a reachable one passes', async () => {
  const smtp = await startSmtp()
  const up = await doctor({ SMTP_URL: smtp.url })
  expect(up.of('mail')).toMatchObject([{ status: 'ok' }])
  expect(smtp.mails).toEqual([])
  await smtp.close()
  const down = await doctor({ SMTP_URL: smtp.url })
  expect(down.of('mail')).toMatchObject([{ status: 'fail', advice: expect.stringContaining('SMTP_URL') }])
})

test('a secret file that other users can read fails', async () => {
  const file = join(folder, 'secret')
  await writeFile(file, AUTHOGRAPH_SECRET, { mode: 0o600 })
  expect((await doctor({ AUTHOGRAPH_SECRET: '' })).of('data folder')).toMatchObject([{ status: 'ok' }])
  await chmod(file, 0o644)
  const { of } = await doctor({ AUTHOGRAPH_SECRET: '' })
  expect(of('data folder')).toMatchObject([{ status: 'fail', advice: `Run: chmod 600 ${file}` }])
})

test('a connection pool larger than the database allows fails', async () => {
  const { of } = await doctor({ DATABASE_POOL_SIZE: '1000' })
  expect(of('connections')).toMatchObject([{ status: 'fail', advice: expect.stringContaining('POOL_SIZE') }])
})

describe('checks of the database', () => {
  const find = (name: string) => databaseChecks.find(check => check.name === name)!
  const check = (name: string, { app } = service, seconds = 0) =>
    find(name).run({ config: app.config, now: () => addSeconds(new Date(), seconds), pool: app.pool })

  test.each([
    [0, 'ok', 'agree'],
    [2, 'warn', '2.0 s ahead of the database'],
    [-9, 'warn', '9.0 s behind the database'],
  ])('a clock difference of %d s has the status %s', async (seconds, status, message) => {
    expect(await check('clock', service, seconds)).toMatchObject([
      { status, message: expect.stringContaining(message) },
    ])
  })

  test('an unsupported PostgreSQL version fails', async () => {
    const pool = { query: async () => ({ rows: [{ version: '14.9' }] }) } as never
    const found = await find('database').run({ config: service.app.config, now: () => new Date(), pool })
    expect(found).toMatchObject([{ status: 'fail', message: 'PostgreSQL 14.9 is too old.' }])
  })

  test('undeclared permissions are listed by role, and those that a running program declares are not', async () => {
    const settings = { AUTHOGRAPH_SECRET }
    const other = await startService({ settings, server: { permissions: ['notes:read'] } })
    try {
      const { db } = other.app
      await db.role.create({ data: { name: 'reader', permissions: ['notes:read', 'users:read'] } })
      expect(await check('permissions', other)).toMatchObject([{ status: 'ok' }])
      await db.role.create({ data: { name: 'editor', permissions: ['gone:write', 'gone:read'] } })
      expect(await check('permissions', other)).toMatchObject([
        {
          status: 'warn',
          message: expect.stringContaining('The role editor has gone:read, gone:write,'),
          advice: expect.stringContaining('updateRole'),
        },
      ])
      // A version that does not declare the permission.
      const databaseUrl = other.app.config.database.url!
      const next = await startService({ settings, databaseUrl })
      await next.close()
      // The database returns the roles in any order.
      expect(next.logged.map(line => JSON.parse(line).role).sort()).toEqual(['editor', 'reader'])
      expect(await check('permissions', other)).toMatchObject([
        { message: expect.stringContaining('editor') },
        { message: expect.stringContaining('The role reader has notes:read,') },
      ])
    } finally {
      await other.close()
    }
  })

  test('doctor reports an old signing key, hashes of another system, failed emails and a missing administrator', async () => {
    const other = await startService({ settings: { AUTHOGRAPH_SECRET } })
    try {
      const { id } = await signUp(other)
      const { db } = other.app
      expect(await check('administrators', other)).toMatchObject([{ status: 'warn' }])
      expect(await check('keys', other, 201 * 86_400)).toMatchObject([
        { status: 'warn', advice: expect.stringContaining('rotate-keys') },
      ])
      await db.user.update({ where: { id }, data: { passwordHash: CHEAP_HASH } })
      expect(await check('passwords', other)).toMatchObject([
        { status: 'ok', message: expect.stringMatching(/^1 accounts have a password hash/) },
      ])
      await db.mail.updateMany({ data: { status: 'failed' } })
      const failed = await db.mail.count()
      expect(failed).toBeGreaterThan(0)
      expect(await check('outbox', other)).toMatchObject([
        { status: 'warn', message: `Emails that could not be sent: ${failed}.` },
      ])
      await requestErasure(db, new Date(), [randomUUID()])
      expect(await check('erasures', other)).toMatchObject([{ status: 'ok' }])
      expect(await check('erasures', other, 2 * 86_400)).toMatchObject([
        { status: 'warn', advice: expect.stringContaining('authograph prune') },
      ])
    } finally {
      await other.close()
    }
  })
})

describe('the domain of passkeys', () => {
  const domain = async (settings: Record<string, string>) => (await doctor(settings)).of('passkeys')

  test('is reported with the pages that can use them, or that they are off', async () => {
    expect(await domain({ PUBLIC_URL: 'https://auth.example.com' })).toMatchObject([
      { status: 'ok', message: 'Bound to auth.example.com, for https://auth.example.com.' },
    ])
    expect(await domain({ PASSKEYS: 'off' })).toMatchObject([{ status: 'ok', message: 'Passkeys are off.' }])
  })

  test('without a page on it is a warning', async () => {
    expect(
      await domain({ PUBLIC_URL: 'https://auth.example.com', PASSKEY_RP_ID: 'example.org' }),
    ).toMatchObject([
      { status: 'warn', message: 'No page is on example.org, the domain of passkeys.' },
      { status: 'warn', advice: expect.stringContaining('https://auth.example.com/.well-known/webauthn') },
    ])
  })

  test('needs https', async () => {
    expect(await domain({ PUBLIC_URL: 'http://auth.example.com' })).toMatchObject([
      { status: 'warn', message: expect.stringContaining('only over https') },
    ])
  })

  test('must be that of the stored passkeys', async () => {
    const { id } = await signUp(service)
    await service.app.db.passkey.create({
      data: {
        userId: id,
        credentialId: new Uint8Array([1]),
        publicKey: new Uint8Array([1]),
        counter: 0,
        backupEligible: true,
        backedUp: true,
        discoverable: true,
        transports: [],
        aaguid: '00000000-0000-0000-0000-000000000000',
        rpId: 'old.example.com',
        name: 'Phone',
        createdAt: new Date(),
      },
    })
    const { healthy, of } = await doctor({ PUBLIC_URL: 'https://new.example.com' })
    expect(healthy).toBe(false)
    expect(of('stored passkeys')).toMatchObject([
      {
        status: 'fail',
        message: '1 passkey is bound to old.example.com and can’t be used: PASSKEY_RP_ID is new.example.com.',
        advice: expect.stringContaining('PASSKEY_RP_ID=old.example.com'),
      },
      { status: 'warn', message: expect.stringContaining('1 person has no second factor that can be used') },
    ])
    await service.app.db.passkey.deleteMany({ where: { userId: id } })
  })

  test('says who is locked out while passkeys are off', async () => {
    const [only, both] = [await signUp(service), await signUp(service)]
    for (const { id } of [only, both]) await addSomePasskey(service, id)
    await service.app.db.user.update({ where: { id: only.id }, data: { passwordHash: null } })
    expect((await doctor()).of('stored passkeys')).toMatchObject([{ status: 'ok' }])
    const { healthy, of } = await doctor({ PASSKEYS: 'off' })
    expect(healthy).toBe(false)
    expect(of('stored passkeys')).toMatchObject([
      { status: 'ok', message: expect.stringContaining('can’t be used: PASSKEYS is off') },
      {
        status: 'fail',
        message: '1 person has only passkeys that can’t be used here, and no other way to sign in.',
        advice: expect.stringContaining('EMAIL_LOGIN=on'),
      },
      { status: 'warn', message: expect.stringContaining('2 people have no second factor that can be used') },
    ])
  })
})

test('people who can no longer sign in with a provider that they have connected are counted', async () => {
  const user = await signUpWith(service)
  const now = new Date()
  const row = { issuer: 'https://former.example', subject: randomUUID(), createdAt: now, lastUsedAt: now }
  const identities = async () =>
    (await doctor()).of('identities').map(({ status, message }) => [status, message])
  expect(await identities()).toEqual([['ok', 'Every connected provider is in PROVIDERS.']])
  await service.app.db.identity.create({ data: { ...row, userId: user.id, provider: 'former' } })
  expect(await identities()).toEqual([
    ['warn', '1 person has connected former, which PROVIDERS doesn’t list.'],
  ])
  await service.app.db.identity.deleteMany({ where: { userId: user.id } })
})

test('service accounts that cannot authenticate, or that have roles and receive no tokens, are warnings', async () => {
  const [long, lately] = [addSeconds(new Date(), -91 * 86_400), new Date()]
  const secretHash = Buffer.alloc(32)
  const roles = { create: [{ roleName: 'support' }] }
  const base = { audiences: ['authograph'], secretHash, createdAt: long }
  for (const data of [
    { ...base, name: 'used', roles, lastUsedAt: lately },
    { ...base, name: 'new', roles, createdAt: lately },
    { ...base, name: 'harmless' },
  ])
    await service.app.db.serviceAccount.create({ data })
  const findings = async () => (await doctor()).of('services').map(({ status, message }) => [status, message])
  expect(await findings()).toEqual([['ok', 'Service accounts: 3.']])
  await service.app.db.serviceAccount.create({
    data: { ...base, name: 'forgotten', roles, lastUsedAt: long },
  })
  await service.app.db.serviceAccount.create({ data: { ...base, name: 'stuck', secretHash: null } })
  expect(await findings()).toEqual([
    ['warn', 'Service accounts without a secret or a key: stuck. They can’t authenticate.'],
    ['warn', 'Service accounts that have received no token for 90 days: forgotten.'],
  ])
  await service.app.db.serviceAccount.deleteMany()
})

describe('each provider', () => {
  test('that answers is reported with the redirect address to register there', async () => {
    const fake = await startFakeProvider()
    const { of } = await doctor({ ...fake.settings(), PUBLIC_URL: 'https://auth.example.com' })
    await fake.stop()
    expect(of('providers')).toMatchObject([
      {
        status: 'ok',
        message: expect.stringContaining('https://auth.example.com/sign-in/callback/corp'),
      },
    ])
  })

  test('that is down is a warning, because other ways to sign in still work', async () => {
    const fake = await startFakeProvider()
    await fake.stop()
    const { of, healthy } = await doctor(fake.settings())
    expect(of('providers')).toMatchObject([
      { status: 'warn', message: expect.stringContaining('corp'), advice: expect.any(String) },
    ])
    expect(healthy).toBe(true)
  })

  test('that names another issuer than the settings is a failure', async () => {
    const fake = await startFakeProvider()
    fake.bend.metadata = metadata => ({ ...metadata, issuer: 'https://another.example.com' })
    const { of } = await doctor(fake.settings())
    await fake.stop()
    expect(of('providers')).toMatchObject([{ status: 'fail', advice: expect.stringContaining('issuer') }])
  })

  test('of a webhook that does not answer, and events that could not be delivered, are warnings', async () => {
    const fields = { events: ['user.deleted'], enabled: true, createdAt: new Date() }
    const [down, gave] = ['https://down.example.com/hook', 'https://gave.example.com:8443/']
    await service.app.db.webhook.create({ data: { ...fields, url: down, failures: 3 } })
    const { id: webhookId } = await service.app.db.webhook.create({ data: { ...fields, url: gave } })
    const event = { event: 'user.deleted', eventId: webhookId, at: new Date(), nextAttemptAt: new Date() }
    await service.app.db.webhookDelivery.create({
      data: { ...event, id: webhookId, webhookId, status: 'failed' },
    })
    const { of } = await doctor()
    await service.app.pool.query('DELETE FROM webhooks; DELETE FROM webhook_deliveries')
    expect(of('webhooks')).toMatchObject([
      { status: 'warn', message: expect.stringContaining('down.example.com: the last 3 attempts failed') },
      { status: 'warn', message: 'gave.example.com:8443: events that could not be delivered: 1.' },
    ])
  })

  test('that takes no revocations for over an hour is a warning with the reason', async () => {
    await service.app.pool.query(
      `INSERT INTO provider_revocations (id, provider, sealed_token, created_at, next_attempt_at, expires_at, last_error)
       SELECT gen_random_uuid(), 'corp', '', now() - interval '2 hours', now(), now() + interval '1 day', 'corp: timeout'`,
    )
    const { of } = await doctor()
    await service.app.db.providerRevocation.deleteMany()
    expect(of('revocations')).toMatchObject([
      { status: 'warn', message: expect.stringContaining('corp: timeout') },
    ])
  })
})
