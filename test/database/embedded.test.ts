import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { transformFile } from '@swc/core'
import pg from 'pg'
import { type EmbeddedDatabase, startEmbedded } from '../../src/database/embedded/start.ts'
import { folderForClusters } from '../support/memory.ts'

jest.setTimeout(60_000)

// fsync off also spares initdb its sync; nothing here loses power.
const SETTINGS = { fsync: 'off', max_connections: '20' }
const SOURCE = fileURLToPath(new URL('../../src/database/embedded/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))
const BUILT = join(CACHE, `authograph-test-${process.pid}`)

// Most tests begin with a copy of this cluster: initdb takes half a second, and is for the tests of first use.
let seed: string
let dataDir: string
let started: EmbeddedDatabase[]
let children: ChildProcess[]

beforeAll(async () => {
  await buildForOtherProcesses()
  seed = await newDataDir()
  await (await startEmbedded({ dataDir: seed, log: () => {}, settings: SETTINGS })).stop()
})

afterAll(async () => {
  for (const dir of [BUILT, seed]) await rm(dir, { recursive: true, force: true })
})

beforeEach(async () => {
  started = []
  children = []
  dataDir = await newDataDir()
  await once(spawn('cp', ['-a', join(seed, 'postgres'), dataDir]), 'exit')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const database of started) await database.stop()
  expect(await servers()).toEqual([])
  await rm(dataDir, { recursive: true, force: true })
})

async function newDataDir(): Promise<string> {
  const made = await realpath(await mkdtemp(join(await folderForClusters(), 'authograph-embedded-')))
  // As root the server runs as another user, who has to get in.
  await chmod(made, 0o755)
  return made
}

/** Waits for something to become true, for up to 30 s. */
async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; !isTrue(); await sleep(5)) {
    if (Date.now() > deadline) throw new Error('it should be true by now')
  }
}

/** For the tests of first use. */
async function removeCluster(): Promise<void> {
  await rm(join(dataDir, 'postgres'), { recursive: true })
}

async function start(dir = dataDir, log: (message: string) => void = () => {}): Promise<EmbeddedDatabase> {
  const database = await startEmbedded({ dataDir: dir, log, settings: SETTINGS })
  started.push(database)
  return database
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  const result = await client.query({ text: sql, rowMode: 'array' }).finally(() => client.end())
  return result.rows.flat()
}

async function pidOf(database: EmbeddedDatabase): Promise<number> {
  return Number((await readFile(join(database.dir, 'postmaster.pid'), 'utf8')).split('\n')[0])
}

/** The pids of the servers that run on the data folder of this test. */
async function servers(): Promise<number[]> {
  const child = spawn('ps', ['-ww', '-eo', 'pid=,command='])
  const lines = (await text(child.stdout)).split('\n')
  return lines.filter(line => line.includes(`postgres -D ${dataDir}`)).map(line => Number.parseInt(line, 10))
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let all = ''
  for await (const chunk of stream) all += String(chunk)
  return all
}

// Node 20 cannot run TypeScript, and other processes do not have Jest.
async function buildForOtherProcesses(): Promise<void> {
  await mkdir(BUILT, { recursive: true })
  for (const name of await readdir(SOURCE)) {
    const { code } = await transformFile(join(SOURCE, name), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    })
    const imported = code.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.mjs'")
    await writeFile(join(BUILT, name.replace('.ts', '.mjs')), imported)
  }
  await writeFile(
    join(BUILT, 'main.mjs'),
    `import { startEmbedded } from './start.mjs'
     const [dataDir, then] = process.argv.slice(2)
     const database = await startEmbedded({ dataDir, log: () => {}, settings: ${JSON.stringify(SETTINGS)} })
     console.log(database.adopted)
     if (then === 'die') process.kill(process.pid, 'SIGKILL')
     process.stdin.on('end', () => database.stop().then(() => process.exit())).resume()`,
  )
}

type OtherProcess = { adopted: boolean; stop(): Promise<void> }

/** Another process that starts the database; it uses it until `stop`, or is killed -9 as soon as it is up. */
async function startElsewhere(then: 'wait' | 'die'): Promise<OtherProcess> {
  const child = spawn(process.execPath, [join(BUILT, 'main.mjs'), dataDir, then], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const exit = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const stop = async () => {
    child.stdin.end()
    await exit
  }
  if (then === 'die') await exit
  return { adopted: String(line).trim() === 'true', stop }
}

test('data survives a stop and a start', async () => {
  const first = await start()
  const url = await first.ensureDatabase('authograph')
  await query(url, "CREATE TABLE kept AS SELECT 'this' AS word")
  await first.stop()
  expect(await servers()).toEqual([])

  const second = await start()
  expect([first.adopted, second.adopted]).toEqual([false, false])
  expect(await query(second.url('authograph'), 'SELECT word FROM kept')).toEqual(['this'])
})

test('concurrent calls create a database once, and it stores any Unicode in any locale', async () => {
  const database = await start()
  const urls = await Promise.all(Array.from({ length: 5 }, () => database.ensureDatabase('with "quotes"')))
  expect(await query(urls[0] as string, `SELECT current_database(), upper('ß é ю'), '🔑'`)).toEqual([
    'with "quotes"',
    'ß É Ю',
    '🔑',
  ])
})

test('only this user and root can reach the database: it has no port, and its socket is in a private folder', async () => {
  const database = await start()
  expect(await query(database.url('postgres'), 'SHOW listen_addresses')).toEqual([''])
  expect((await stat(database.dir)).mode & 0o777).toBe(0o700)
  expect((await stat(join(database.dir, '.s.PGSQL.5432'))).mode & 0o777).toBe(0o700)
})

test('the database of a killed process is found and used, with its committed data', async () => {
  const dead = await startElsewhere('die')
  const [orphan] = await servers()
  expect(orphan).toBeGreaterThan(0)
  const database = await start()
  expect([dead.adopted, database.adopted]).toEqual([false, true])
  expect(await pidOf(database)).toBe(orphan)
  await database.stop()
  expect(await servers()).toEqual([])
})

test('processes that start at the same time share one database, even on first use', async () => {
  await removeCluster()
  const others = await Promise.all(Array.from({ length: 3 }, () => startElsewhere('wait')))
  const database = await start()
  expect(others.filter(other => !other.adopted)).toHaveLength(1)
  expect(await servers()).toEqual([await pidOf(database)])
  expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.lock', 'postgres.log'])
  await Promise.all(others.map(other => other.stop()))
})

test('two concurrent starts in one process share one database', async () => {
  const both = await Promise.all([start(), start()])
  expect(both.map(each => each.adopted).sort()).toEqual([false, true])
  expect(await servers()).toHaveLength(1)
})

test('the database keeps running while another process uses it, and the last process stops it', async () => {
  const database = await start()
  const other = await startElsewhere('wait')
  await database.stop()
  expect(await servers()).toHaveLength(1)
  await other.stop()
  expect(await servers()).toEqual([])
})

test('processes that stop at the same time leave nothing running', async () => {
  const database = await start()
  const others = await Promise.all([startElsewhere('wait'), startElsewhere('wait')])
  await Promise.all([database.stop(), ...others.map(other => other.stop())])
  expect(await servers()).toEqual([])
})

test('the database keeps running while any other client is connected', async () => {
  const database = await start()
  const client = new pg.Client(database.url('postgres'))
  await client.connect()
  await database.stop()
  expect((await client.query('SELECT 1')).rowCount).toBe(1)
  await client.end()
  await (await start()).stop()
})

test('a second stop has no effect', async () => {
  const database = await start()
  await Promise.all([database.stop(), database.stop()])
  await expect(database.stop()).resolves.toBeUndefined()
})

test('a start during a shutdown waits for it and then starts a new server', async () => {
  const first = await start()
  await query(first.url('postgres'), 'CREATE TABLE kept AS SELECT generate_series(1, 50000)')
  const [, second] = await Promise.all([first.stop(), start()])
  expect(await query(second.url('postgres'), 'SELECT count(*)::int FROM kept')).toEqual([50000])
})

test('after a crash of PostgreSQL, the next start recovers the committed data', async () => {
  const first = await start()
  await query(first.url('postgres'), 'CREATE TABLE kept AS SELECT 1 AS one')
  process.kill(await pidOf(first), 'SIGKILL')
  const second = await start()
  expect(await query(second.url('postgres'), 'SELECT one FROM kept')).toEqual([1])
})

describe('a server that is killed', () => {
  async function kill(database: EmbeddedDatabase): Promise<number> {
    const pid = await pidOf(database)
    process.kill(pid, 'SIGKILL')
    await until(() => !database.isUp())
    return pid
  }

  test('is restarted each time, at the same address and with its committed data', async () => {
    const database = await start()
    const url = database.url('postgres')
    await query(url, 'CREATE TABLE kept AS SELECT 1 AS one')
    for (let time = 0; time < 2; time++) {
      const killed = await kill(database)
      await until(() => database.isUp())
      expect(await pidOf(database)).not.toBe(killed)
      expect(await query(url, 'SELECT one FROM kept')).toEqual([1])
    }
    await database.stop()
    expect(await servers()).toEqual([])
  })

  test('is restarted once, even if several processes use it', async () => {
    const [database, another] = [await start(), await start()]
    const other = await startElsewhere('wait')
    await kill(database)
    await until(() => database.isUp() && another.isUp())
    expect(await servers()).toEqual([await pidOf(database)])
    // A process that is killed would keep its lock until PostgreSQL notices, and the server would outlive this test.
    await other.stop()
  })

  test('is not restarted by a process that stops using it, even during a restart', async () => {
    const database = await start()
    await kill(database)
    await database.stop()
    expect(await servers()).toEqual([])
  })

  test('and cannot be restarted is given up with the reason', async () => {
    const gone: Error[] = []
    const database = await startEmbedded({
      dataDir,
      log: () => {},
      settings: SETTINGS,
      onGone: error => gone.push(error),
      restarts: { attempts: 2, firstWaitMs: 10 },
    })
    started.push(database)
    await appendFile(join(database.dir, 'postgresql.conf'), 'nonsense = on\n')
    await kill(database)
    await until(() => gone.length > 0)
    expect(gone.map(String)).toEqual([expect.stringMatching(/did not start.*nonsense/s)])
    expect(database.isUp()).toBe(false)
  })
})

test('a stale pid file with the pid of another process does not keep the database from starting', async () => {
  const { dir, stop } = await start()
  await stop()
  const { uid, gid } = await stat(dir)
  // As the server's user: that is whose processes PostgreSQL takes for a server of its own.
  const stranger = spawn('sleep', ['60'], { uid, gid })
  await once(stranger, 'spawn')
  await writeFile(join(dir, 'postmaster.pid'), `${stranger.pid}\n${dir}\n1\n5432\n${dir}\n\n\nready\n`, {
    mode: 0o644,
  })
  expect((await start()).adopted).toBe(false)
  stranger.kill()
})

test('after an interrupted initdb, the next start succeeds and removes its files', async () => {
  await removeCluster()
  await mkdir(join(dataDir, 'postgres.new', 'base'), { recursive: true })
  await start()
  expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.lock', 'postgres.log'])
})

test('a data folder whose path is too long for a socket works, with the socket in another private folder', async () => {
  const long = join(dataDir, 'x'.repeat(60), 'y, "quoted" and spaced'.repeat(3))
  const database = await start(long)
  expect(await query(await database.ensureDatabase('authograph'), 'SELECT 1')).toEqual([1])
  const socketDir = new URL(database.url('authograph')).searchParams.get('host') as string
  expect((await stat(socketDir)).mode & 0o777).toBe(0o700)
  const adopted = await start(long)
  expect(adopted.adopted).toBe(true)
  await rm(socketDir, { recursive: true })
})

test('a cluster of another major version is refused with both versions and left unchanged', async () => {
  await removeCluster()
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '15\n')
  await expect(start()).rejects.toThrow(
    /was created by PostgreSQL 15, but this version of Authograph includes PostgreSQL \d\d/,
  )
  expect(await readdir(join(dataDir, 'postgres'))).toEqual(['PG_VERSION'])
})

test('a folder that is not a cluster is refused and left unchanged', async () => {
  await removeCluster()
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'postgres', 'notes.txt'), 'mine')
  await expect(start()).rejects.toThrow('is not a PostgreSQL cluster')
  expect(await readdir(dataDir)).not.toContainEqual(expect.stringContaining('postgres.new'))
  expect(await readFile(join(dataDir, 'postgres', 'notes.txt'), 'utf8')).toBe('mine')
})

test('when PostgreSQL does not start, the error includes the last lines of its log', async () => {
  const options = { dataDir, log: () => {}, settings: { shared_buffers: 'plenty' } }
  await expect(startEmbedded(options)).rejects.toThrow(
    /did not start.*invalid value for parameter "shared_buffers"/s,
  )
})

const asRoot = process.geteuid?.() === 0 ? test : test.skip

asRoot(
  'for root, the server runs as another user, and the mode of a folder closed to that user is not changed',
  async () => {
    await removeCluster()
    await chmod(dataDir, 0o700)
    const messages: string[] = []
    const database = await start(dataDir, message => messages.push(message))
    expect(messages.join('\n')).toContain(`${dataDir} is closed to other users`)
    expect(database.dir).toMatch(/^\/var\/lib\/authograph\//)
    expect((await stat(database.dir)).uid).not.toBe(0)
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect((await start()).adopted).toBe(true)
    for (const each of started) await each.stop()
    await rm(dirname(database.dir), { recursive: true })
  },
)
