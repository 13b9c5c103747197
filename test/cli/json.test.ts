import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  type ExportedService,
  exportServices,
  importService,
} from '../../src/admin/services/transfer-services.ts'
import { PASSWORD, signUp } from '../support/actors.ts'
import { build, runCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { useService } from '../support/service.ts'
import { basic, post } from '../support/service-accounts.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'
const service = useService({ settings: { AUTHOGRAPH_SECRET } })
beforeAll(build, 120_000)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'authograph-json-'))
})
afterAll(() => rm(folder, { recursive: true }))

const settings = () => ({
  DATABASE_URL: service.app.config.database.url!,
  AUTHOGRAPH_SECRET,
  ARGON2_MEMORY_KIB: '64',
  ARGON2_TIME_COST: '1',
  LOG_LEVEL: 'trace',
})

const ID_OF_NONE = '00000000-0000-7000-8000-000000000000'
const ID = expect.stringMatching(/^[0-9a-f-]{36}$/)

/** The value that a command writes to standard output, which must be one line of JSON and nothing else. */
async function json(args: string[], input?: string, run = runCliHere): Promise<unknown> {
  const { exitCode, stdout } = await run([...args, '--json'], {
    settings: settings(),
    ...(input !== undefined && { input }),
  })
  expect(exitCode).toBe(0)
  return JSON.parse(stdout)
}

test('migrate --json writes one line of JSON', async () => {
  expect(await json(['migrate'], '', runCli)).toEqual({ upToDate: true, applied: [] })
})

test('create-admin --json writes one line of JSON for a new and for an existing account', async () => {
  const email = 'root@example.com'
  const args = ['create-admin', '--password-stdin', '--email']
  expect(await json([...args, email], PASSWORD, runCli)).toEqual({
    id: ID,
    email,
    created: true,
    disabled: false,
  })
  const known = await signUp(service)
  expect(await json(['create-admin', '--promote', '--verify', '--email', known.email])).toEqual({
    id: known.id,
    email: known.email,
    created: false,
    disabled: false,
  })
})

test('rotate-keys --json writes one line of JSON', async () => {
  const rotated = (await json(['rotate-keys'], '', runCli)) as { kid: string; activatesAt: string }
  const key = await service.app.db.signingKey.findUniqueOrThrow({ where: { kid: rotated.kid } })
  expect(rotated.activatesAt).toBe(key.activatesAt.toISOString())
})

test('prune --json writes one line of JSON with the number of deleted records', async () => {
  await service.app.pool.query(
    `INSERT INTO rate_limits SELECT n, 1, now() - interval '1 s', 0, NULL FROM generate_series(1, 25000) n`,
  )
  const pruned = (await json(['prune'], '', runCli)) as { deleted: Record<string, number>; busy: boolean }
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
  expect(await json(['webhooks', 'list'], '', runCli)).toEqual([changed])
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
  expect(await service.app.db.webhook.count()).toBe(0)
}, 120_000)

test('services --json creates, rotates, deletes, imports and changes, with one line of JSON each', async () => {
  const key = path.join(folder, 'key.pem')
  const { publicKey } = generateKeyPairSync('ed25519')
  await writeFile(key, publicKey.export({ type: 'spki', format: 'pem' }))
  type Created = { serviceAccount: { id: string; keyIds: string[] }; secret: string }
  const made = (await json(
    ['services', 'create', '--name', 'billing', '--role', 'admin'],
    '',
    runCli,
  )) as Created
  const { id } = made.serviceAccount
  expect(made).toMatchObject({
    serviceAccount: { id: ID, name: 'billing', roles: ['admin'], audiences: ['authograph'], hasSecret: true },
    secret: expect.stringMatching(/^ags_/),
  })
  const status = async (secret: string) =>
    (await post(service, 'token', { grant_type: 'client_credentials' }, basic({ id, secret }))).status
  expect(await status(made.secret)).toBe(200)
  const rotated = (await json(['services', 'rotate-secret', id, '--keep-previous', '60'])) as Created
  expect([await status(made.secret), await status(rotated.secret)]).toEqual([200, 200])

  const exported = await runCli(['services', 'export', '--with-secret-hashes'], { settings: settings() })
  expect(exported.exitCode).toBe(0)
  const [plain] = await exportServices(service.app, { withSecretHashes: false })
  const { secretHash, ...rest } = JSON.parse(exported.stdout) as ExportedService
  expect([plain, secretHash]).toEqual([rest, expect.any(String)])
  expect(exported.stdout).not.toContain(rotated.secret.slice(4))
  expect(await json(['services', 'delete', id])).toEqual({ id, deleted: true })
  expect(await status(rotated.secret)).toBe(401)
  const file = path.join(folder, 'services.jsonl')
  const foreign = JSON.stringify({ ...JSON.parse(exported.stdout), id: ID_OF_NONE, roles: ['no-such-role'] })
  await writeFile(file, `${exported.stdout}${foreign}\nnone\n`)
  const { exitCode, stdout } = await runCliHere(['services', 'import', file, '--json'], {
    settings: settings(),
  })
  expect([exitCode, JSON.parse(stdout)]).toEqual([
    2,
    {
      imported: 1,
      alreadyThere: 0,
      skipped: [
        { line: 2, problem: expect.stringContaining('no role named') },
        { line: 3, problem: 'The line is not a JSON object.' },
      ],
    },
  ])
  // Programs keep their ID and their secret.
  expect([await status(made.secret), await status(rotated.secret)]).toEqual([401, 200])
  expect(await importService(service.app, JSON.parse(exported.stdout))).toBe(false)

  const keyed = (await json(['services', 'update', id, '--add-key', key])) as Created['serviceAccount']
  expect(keyed).toMatchObject({ hasSecret: false, keyIds: [expect.any(String)], roles: ['admin'] })
  expect(await status(rotated.secret)).toBe(401)
  const events = await service.app.db.auditEvent.findMany({
    where: { subjectId: id },
    orderBy: { id: 'asc' },
  })
  expect(events.filter(({ action }) => /created|deleted|rotated|updated/.test(action))).toMatchObject([
    { action: 'service.created', actorId: null, detail: { name: 'billing', roles: ['admin'] } },
    { action: 'service.secret_rotated' },
    { action: 'service.deleted' },
    { action: 'service.created' },
    { action: 'service.updated', actorId: null },
  ])
}, 120_000)

test('a failure writes advice to standard error and nothing to standard output', async () => {
  const { exitCode, stdout, stderr } = await runCli(['prune', '--json'], { settings: { PORT: 'http' } })
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(stderr).toContain('PORT: must be a number')
})
