import { appendFile, chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { PASSWORD } from '../support/actors.ts'
import { folderForClusters } from '../support/memory.ts'
import { Me, Register } from '../support/operations.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'

const QUERY_TIMEOUT_MS = 40_000

let dataDir: string
let server: ServerProcess

beforeEach(async () => {
  dataDir = await realpath(await mkdtemp(path.join(await folderForClusters(), 'authograph-built-in-')))
  // As root the database runs as another user, who has to get in.
  await chmod(dataDir, 0o755)
  server = await startProcess({ DATA_DIR: dataDir, MAIL: 'off' })
}, 60_000)

afterEach(async () => {
  server.kill('SIGTERM')
  await server.ended
  await rm(dataDir, { recursive: true, force: true })
}, 60_000)

async function killDatabase(): Promise<void> {
  const pidFile = await readFile(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')
  process.kill(Number(pidFile.split('\n')[0]), 'SIGKILL')
}

const statusOf = async (route: string) => (await fetch(`${server.url}${route}`)).status

/** Waits until a probe answers with `status`. */
async function untilStatus(route: string, status: number): Promise<void> {
  const deadline = Date.now() + QUERY_TIMEOUT_MS
  while ((await statusOf(route)) !== status) {
    if (Date.now() > deadline) throw new Error(`${route} should answer ${status} by now`)
    await sleep(20)
  }
}

test('when the built-in PostgreSQL is killed, the server recovers with its committed data', async () => {
  const url = server.url ?? ''
  const input = { email: 'owner@example.com', password: PASSWORD }
  const { data } = await send(url, Register, { input })
  const token = data?.register.__typename === 'AuthPayload' ? data.register.accessToken : ''

  const before = server.stdout.length
  await killDatabase()
  const deadline = Date.now() + QUERY_TIMEOUT_MS
  while (!server.stdout.slice(before).some(line => line.includes('is running again'))) {
    expect(Date.now()).toBeLessThan(deadline)
    await sleep(20)
  }
  await untilStatus('/readyz', 200)
  expect(await statusOf('/healthz')).toBe(200)
  expect(codes(await send(url, Me, {}, { token }))).toEqual([])
}, 90_000)

test('when the built-in PostgreSQL cannot be restarted, the probes fail and the server exits with an error', async () => {
  await appendFile(path.join(dataDir, 'postgres', 'postgresql.conf'), 'nonsense = on\n')
  await killDatabase()
  await untilStatus('/healthz', 503)
  expect(await statusOf('/readyz')).toBe(503)
  expect(await server.ended).toBe(1)
  expect(server.stdout.join('\n')).toContain('the built-in PostgreSQL ended and could not be restarted')
}, 90_000)
