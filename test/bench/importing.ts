import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { EmbeddedDatabase } from '../../src/database/embedded/start.ts'
import type { Settings } from './processes.ts'
import { type Row, valueRow } from './table.ts'

const run = promisify(execFile)
// From dist/bench/test/bench.
const CLI = fileURLToPath(new URL('../../../cli/main.js', import.meta.url))

const ACCOUNTS = 100_000
const ROUNDS = 5
const GOAL_PER_SECOND = 20_000
const HASH = '$2b$12$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm'

/**
 * Accounts a second that `import-users` takes from a file, each time into an empty database of `server`, by the
 * time that the command itself reports: from the first record read to the last one committed.
 */
export async function importing(
  server: EmbeddedDatabase,
  folder: string,
  settings: Settings,
): Promise<Row[]> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'accounts.jsonl')
  await writeAccounts(file)
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const DATABASE_URL = await server.ensureDatabase(`import_${round}`)
    const cli = async (...args: string[]) => {
      const env = { PATH: process.env.PATH, ...settings, DATABASE_URL }
      return (await run(process.execPath, [CLI, ...args], { cwd: folder, env })).stdout
    }
    await cli('migrate')
    const report = JSON.parse(await cli('import-users', file, '--json')) as { taken: number; seconds: number }
    if (report.taken !== ACCOUNTS) throw new Error(`${report.taken} of ${ACCOUNTS} accounts were taken.`)
    rates.push(ACCOUNTS / report.seconds)
  }
  const perSecond = (rate: number) => `${Math.round(rate).toLocaleString('en')}/s`
  const what = `import of ${ACCOUNTS.toLocaleString('en')} accounts`
  return [valueRow(what, rates, perSecond, { atLeast: GOAL_PER_SECOND })]
}

async function writeAccounts(file: string): Promise<void> {
  const stream = createWriteStream(file)
  for (let n = 0; n < ACCOUNTS; n++) {
    const account = {
      email: `person.${n}@example.com`,
      username: `person_${n}`,
      displayName: `Person ${n}`,
      passwordHash: HASH,
      emailVerified: true,
      createdAt: '2024-05-31 12:00:00',
    }
    if (!stream.write(`${JSON.stringify(account)}\n`)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'close')
}
