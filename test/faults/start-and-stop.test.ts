import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { build } from '../support/cli.ts'
import { folderForClusters } from '../support/memory.ts'
import { startProcess } from '../support/process.ts'

jest.setTimeout(120_000)

const ROOT = path.resolve(import.meta.dirname, '../..')

let dataDir: string
beforeEach(async () => {
  await build()
  dataDir = await realpath(await mkdtemp(path.join(await folderForClusters(), 'authograph-start-')))
  // As root PostgreSQL runs as another user, who needs access.
  await chmod(dataDir, 0o755)
})
afterEach(async () => {
  // After a failure.
  const pid = await postgresPid()
  if (pid) process.kill(pid, 'SIGQUIT')
  await rm(dataDir, { recursive: true, force: true, maxRetries: 10 })
})

/** The pid of the built-in PostgreSQL while it runs. */
async function postgresPid(): Promise<number | undefined> {
  const text = await readFile(path.join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '')
  return Number(text.split('\n')[0]) || undefined
}

async function untilPostgresRuns(): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(5))
    if (await postgresPid()) return
  throw new Error('PostgreSQL did not start')
}

async function expectNoPostgres(): Promise<void> {
  expect(await postgresPid()).toBeUndefined()
}

/** A program with these lines, in its own process. */
async function startProgram(lines: string) {
  const file = path.join(dataDir, 'program.mjs')
  const index = pathToFileURL(path.join(ROOT, 'dist/index.js')).href
  await writeFile(
    file,
    `import { loadConfig, readEnvironment, startServer } from ${JSON.stringify(index)}\n${lines}`,
  )
  const settings = {
    PORT: '0',
    WEB: 'off',
    ARGON2_MEMORY_KIB: '64',
    ARGON2_TIME_COST: '1',
    DATA_DIR: dataDir,
  }
  const child = spawn(process.execPath, [file], {
    cwd: dataDir,
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', chunk => {
    printed += chunk
  })
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    ended: once(child, 'close').then(([code]) => code as number | null),
    printed: () => printed,
    untilPrinted: async (text: string) => {
      while (!printed.includes(text)) await once(child.stdout, 'data')
    },
  }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s during the start ends the process with 0 and leaves no PostgreSQL running',
  async signal => {
    let kill = (_signal: NodeJS.Signals) => {}
    const starting = startProcess({ DATA_DIR: dataDir }, spawned => {
      kill = spawned
    })
    await untilPostgresRuns()
    kill(signal)
    const server = await starting
    expect(await server.ended).toBe(0)
    expect(server.stderr).toEqual([])
    await expectNoPostgres()
  },
)

test('a program that only calls startServer ends on SIGTERM, and its PostgreSQL stops', async () => {
  const program = await startProgram(`await startServer()\nconsole.log('listening')`)
  await program.untilPrinted('listening')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  await expectNoPostgres()
})

test('SIGTERM during the start of such a program leaves no PostgreSQL running', async () => {
  const program = await startProgram('await startServer()')
  await untilPostgresRuns()
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  await expectNoPostgres()
})

test('a program with its own signal listener finds the server closed and decides when to exit', async () => {
  const program = await startProgram(`
    process.on('SIGTERM', async () => {
      await server.close()
      const refused = await fetch(server.url).then(() => false, () => true)
      console.log('refused', refused)
      process.exit(7)
    })
    const server = await startServer()
    console.log('listening')`)
  await program.untilPrinted('listening')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(7)
  expect(program.printed()).toContain('refused true')
  await expectNoPostgres()
})

test('with signals: false, the program handles the signal', async () => {
  const program = await startProgram(`
    const server = await startServer({ signals: false })
    process.on('SIGTERM', async () => {
      console.log('answers', (await fetch(server.url + '/healthz')).status)
      await server.close()
    })
    console.log('listening')`)
  await program.untilPrinted('listening')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
  expect(program.printed()).toContain('answers 200')
  await expectNoPostgres()
})
