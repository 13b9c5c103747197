// npm run bench:import: the import alone, with the built-in PostgreSQL as shipped, on all cores.
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startEmbedded } from '../../src/database/embedded/start.ts'
import { importing } from './importing.ts'
import { toTable } from './table.ts'

const [loadBefore = 0] = loadavg()
const folder = await realpath(await mkdtemp(join(tmpdir(), 'authograph-bench-')))
// As root the database runs as another user, who has to get in.
await chmod(folder, 0o755)
const server = await startEmbedded({ dataDir: folder, log: () => {} })
try {
  const settings = { AUTHOGRAPH_SECRET: 'a secret that only the bench may know' }
  const rows = await importing(server, join(folder, 'import'), settings)
  process.stdout.write(`${toTable(rows)}\n\nLoad average before the run: ${loadBefore.toFixed(1)}.\n`)
} finally {
  await server.stop()
  for (const each of new Set([folder, dirname(server.dir)])) await rm(each, { recursive: true, force: true })
}
