import { beforeAll, expect, test } from '@jest/globals'
import { PASSWORD, signUp } from '../support/actors.ts'
import { build, runCli } from '../support/cli.ts'
import { useService } from '../support/service.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'
const service = useService({ settings: { AUTHOGRAPH_SECRET } })
beforeAll(build)

const ID = expect.stringMatching(/^[0-9a-f-]{36}$/)

/** The value that a command writes to standard output, which must be one line of JSON and nothing else. */
async function json(args: string[], input?: string): Promise<unknown> {
  const { exitCode, stdout } = await runCli([...args, '--json'], {
    settings: {
      DATABASE_URL: service.app.config.database.url!,
      AUTHOGRAPH_SECRET,
      ARGON2_MEMORY_KIB: '64',
      ARGON2_TIME_COST: '1',
      LOG_LEVEL: 'trace',
    },
    ...(input !== undefined && { input }),
  })
  expect(exitCode).toBe(0)
  return JSON.parse(stdout)
}

test('migrate --json writes one line of JSON', async () => {
  expect(await json(['migrate'])).toEqual({ upToDate: true, applied: [] })
})

test('create-admin --json writes one line of JSON for a new and for an existing account', async () => {
  const email = 'root@example.com'
  const args = ['create-admin', '--password-stdin', '--email']
  expect(await json([...args, email], PASSWORD)).toEqual({ id: ID, email, created: true, disabled: false })
  const known = await signUp(service)
  expect(await json(['create-admin', '--promote', '--verify', '--email', known.email])).toEqual({
    id: known.id,
    email: known.email,
    created: false,
    disabled: false,
  })
})

test('rotate-keys --json writes one line of JSON', async () => {
  const rotated = (await json(['rotate-keys'])) as { kid: string; activatesAt: string }
  const key = await service.app.db.signingKey.findUniqueOrThrow({ where: { kid: rotated.kid } })
  expect(rotated.activatesAt).toBe(key.activatesAt.toISOString())
})

test('prune --json writes one line of JSON with the number of deleted records', async () => {
  await service.app.pool.query(
    `INSERT INTO rate_limits SELECT n, 1, now() - interval '1 s', 0, NULL FROM generate_series(1, 25000) n`,
  )
  const pruned = (await json(['prune'])) as { deleted: Record<string, number>; busy: boolean }
  expect(pruned).toMatchObject({ busy: false, deleted: { attempts: 25_000, 'sent mails': 0 } })
  expect(await service.app.db.rateLimit.count({ where: { count: 1, key: { not: { contains: ':' } } } })).toBe(
    0,
  )
})

test('webhooks --json creates, lists, changes, retries and deletes, with one line of JSON each', async () => {
  const url = 'https://app.example.com/hook'
  const created = (await json([
    'webhooks',
    'create',
    '--url',
    url,
    '--event',
    'user.deleted',
    '--disable',
  ])) as {
    webhook: { id: string }
    secret: string
  }
  const { id } = created.webhook
  const webhook = { id: ID, url, events: ['user.deleted'], enabled: false, createdAt: expect.any(String) }
  expect(created).toEqual({ webhook, secret: expect.stringMatching(/^whsec_.{44}$/) })
  const changed = { ...webhook, events: ['*'] }
  expect(await json(['webhooks', 'update', id, '--event', '*'])).toEqual(changed)
  expect(await json(['webhooks', 'list'])).toEqual([changed])
  const rotated = (await json(['webhooks', 'rotate-secret', id])) as { secret: string }
  expect(rotated.secret).not.toBe(created.secret)
  const failure = {
    webhookId: id,
    status: 'failed',
    event: 'user.deleted',
    attempts: 10,
    lastError: 'timeout',
  }
  const at = service.clock.now()
  await service.app.db.webhookDelivery.create({
    data: { ...failure, id, eventId: id, at, nextAttemptAt: at },
  })
  const { status: _, ...shown } = failure
  expect(await json(['webhooks', 'failed'])).toEqual({
    total: 1,
    deliveries: [{ ...shown, id, createdAt: at.toISOString() }],
  })
  // The webhook is disabled.
  expect(await json(['webhooks', 'retry', '--all'])).toEqual({ queued: 0 })
  expect(await json(['webhooks', 'delete', id])).toEqual({ id, deleted: true })
  expect(await json(['webhooks', 'list'])).toEqual([])
}, 60_000)

test('a failure writes advice to standard error and nothing to standard output', async () => {
  const { exitCode, stdout, stderr } = await runCli(['prune', '--json'], { settings: { PORT: 'http' } })
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(stderr).toContain('PORT: must be a number')
})
