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

test('a failure writes advice to standard error and nothing to standard output', async () => {
  const { exitCode, stdout, stderr } = await runCli(['prune', '--json'], { settings: { PORT: 'http' } })
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(stderr).toContain('PORT: must be a number')
})
