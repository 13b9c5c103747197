import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { signIn, signUp } from '../support/actors.ts'
import { build, runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'
import { startService } from '../support/service.ts'

const page = readFileSync(new URL('../../docs/incidents.md', import.meta.url), 'utf8')

beforeAll(build, 120_000)

test('every command of the incident page exists and has the options it uses', async () => {
  const commands = new Set(
    [...page.matchAll(/(?:npx authograph|`)(?: )?((?:rotate-keys|doctor)[^`\n]*)/g)].map(([, text = '']) =>
      text.trim(),
    ),
  )
  expect([...commands]).toEqual(
    expect.arrayContaining(['rotate-keys --revoke', 'rotate-keys --end-all-sessions', 'doctor']),
  )
  for (const command of commands) {
    const [name = '', ...options] = command.split(' ')
    const { exitCode, stdout } = await runCli([name, '--help'])
    expect(exitCode).toBe(0)
    for (const option of options) expect(stdout).toContain(`  ${option} `)
  }
})

test('after the statements for a lost secret, the server starts with another one and keeps all accounts', async () => {
  const database = await createDatabase()
  try {
    const lost = await startService({
      databaseUrl: database.url,
      settings: { AUTHOGRAPH_SECRET: 'a secret that will be lost, long enough' },
    })
    const { email } = await signUp(lost)
    await lost.close()
    const settings = { AUTHOGRAPH_SECRET: 'the next secret, which is long enough' }
    await expect(startService({ databaseUrl: database.url, settings })).rejects.toThrow('another secret')
    const [, statements = ''] = /```sql\n([^`]+)```/.exec(page) ?? []
    const client = new pg.Client(database.url)
    await client.connect()
    await client.query(statements).finally(() => client.end())
    const service = await startService({ databaseUrl: database.url, settings })
    await signIn(service, email)
    await service.close()
    expect(service.logged).toEqual([])
  } finally {
    await database.drop()
  }
})
