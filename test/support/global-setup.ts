import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { startEmbedded } from '../../src/database/embedded/start.ts'
import { folderForClusters } from './memory.ts'
import { createTemplate, dropTemplate } from './postgres.ts'

// Tests don't need durability.
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }

/** Starts one PostgreSQL for the whole run, or uses TEST_DATABASE_URL, and creates the template database. */
export default async function globalSetup(): Promise<void> {
  const given = process.env.TEST_DATABASE_URL
  const server = given ? { url: given, stop: async () => {} } : await startServer()
  const template = await createTemplate(server.url)
  process.env.AUTHOGRAPH_TEST_SERVER = server.url
  process.env.AUTHOGRAPH_TEST_TEMPLATE = template
  const stop = () => dropTemplate(server.url, template).finally(server.stop)
  ;(globalThis as { stopTestServer?: () => Promise<void> }).stopTestServer = stop
  // Jest skips the teardown when it is interrupted, and the server would keep running.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void server.stop().finally(() => process.exit(1)))
  }
}

async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dataDir = await realpath(await mkdtemp(join(await folderForClusters(), 'authograph-test-')))
  // For root, the server runs as another user, who must be able to enter. The cluster inside is private.
  await chmod(dataDir, 0o755)
  const database = await startEmbedded({ dataDir, log: () => {}, settings: FAST })
  const stop = async () => {
    await database.stop()
    for (const folder of new Set([dataDir, dirname(database.dir)]))
      await rm(folder, { recursive: true, force: true })
  }
  return { url: database.url('postgres'), stop }
}
