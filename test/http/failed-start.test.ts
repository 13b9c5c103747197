import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { build } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { startProcess } from '../support/process.ts'
import { startService } from '../support/service.ts'

let database: TestDatabase
beforeAll(async () => {
  await build()
  database = await createDatabase()
}, 120_000)
afterAll(() => database.drop())

/** The error of a server that fails to start: one line, without a stack. */
async function failure(settings: Record<string, string>): Promise<string> {
  const server = await startProcess(settings)
  expect(server.url).toBeUndefined()
  expect(await server.ended).toBe(1)
  const lines = server.stderr.filter(line => !line.startsWith('{'))
  expect(lines).toHaveLength(1)
  return lines[0] ?? ''
}

test('the error about a port in use names the port and the solution', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  try {
    expect(await failure({ DATABASE_URL: database.url, HOST: '127.0.0.1', PORT: String(port) })).toBe(
      `Port ${port} of 127.0.0.1 is in use. Stop the program that uses it, or set PORT to another port.`,
    )
  } finally {
    other.close()
  }
})

test('the error about a secret that doesn’t match the database names the solution', async () => {
  const service = await startService({ databaseUrl: database.url })
  await service.close()
  const AUTHOGRAPH_SECRET = 'quite another secret than that one'
  expect(await failure({ DATABASE_URL: database.url, AUTHOGRAPH_SECRET })).toMatch(
    /sealed under another secret\. .*AUTHOGRAPH_PREVIOUS_SECRETS/,
  )
})

// Root can write anywhere except inside a file.
test.each([
  ['the secret', { AUTHOGRAPH_SECRET: '' }],
  ['the database', {}],
])(
  'the error about a data folder that is not writable names the folder and the solution: %s',
  async (_, settings) => {
    const folder = await mkdtemp(join(tmpdir(), 'authograph-start-'))
    const file = join(folder, 'file')
    await writeFile(file, '')
    try {
      const said = await failure({ ...settings, DATA_DIR: join(file, 'data') })
      expect(said).toContain('The data folder cannot be written to')
      expect(said).toContain('set DATA_DIR')
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
