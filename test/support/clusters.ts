import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findBinaries, usableBinaries } from '../../src/database/embedded/binaries.ts'
import { initialize, SUPERUSER } from '../../src/database/embedded/cluster.ts'
import { findPlace, type Place } from '../../src/database/embedded/place.ts'
import { ENVIRONMENT } from '../../src/database/embedded/system.ts'
import { folderForClusters } from './memory.ts'

/** A PostgreSQL server on a port of this machine, with the built-in binaries. */
export class Cluster {
  readonly place: Place
  readonly port: number
  readonly #native: string
  #child: ChildProcess | undefined

  constructor(place: Place, native: string, port: number) {
    this.place = place
    this.#native = native
    this.port = port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  url(database = 'postgres', parameters = ''): string {
    return `postgresql://${SUPERUSER}@${this.address}/${database}${parameters}`
  }

  /** Starts the server and resolves when it accepts connections. */
  async start(settings: Record<string, string> = {}): Promise<void> {
    const all = { ...SETTINGS, port: String(this.port), ...settings }
    const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const { cluster, account } = this.place
    this.#child = spawn(join(this.#native, 'bin', 'postgres'), ['-D', cluster, ...args], {
      ...account,
      cwd: cluster,
      env: ENVIRONMENT,
      stdio: 'ignore',
    })
    const deadline = Date.now() + 20_000
    while (!(await this.query('SELECT').catch(() => undefined))) {
      if (Date.now() > deadline) throw new Error(`the server in ${cluster} did not start`)
      await sleep(50)
    }
  }

  /** Runs a statement on a connection of its own. */
  async query(sql: string, database?: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url(database), connectionTimeoutMillis: 2000 })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** Ends the server: SIGKILL as when its machine loses power, SIGINT in order. */
  async stop(signal: 'SIGKILL' | 'SIGINT' = 'SIGINT'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }

  /** Writes a file into the folder of the cluster, readable to its owner alone. */
  async write(name: string, content: string): Promise<string> {
    const { cluster, account } = this.place
    const file = join(cluster, name)
    await writeFile(file, content, { mode: 0o600 })
    if (account) await chown(file, account.uid, account.gid)
    return file
  }

  /** Makes it a standby that follows `primary`, from the next start on. */
  async follow(primary: Cluster): Promise<Record<string, string>> {
    await this.write('standby.signal', '')
    return { primary_conninfo: `host=127.0.0.1 port=${primary.port} user=${SUPERUSER}` }
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    await rm(dirname(this.place.cluster), { recursive: true, force: true })
  }
}

// A crash of the server alone loses nothing without fsync.
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  max_connections: '100',
  log_min_messages: 'fatal',
}

/** A new cluster, not started. */
export async function createCluster(): Promise<Cluster> {
  const { place, native } = await newPlace()
  await initialize(place, native, false)
  return new Cluster(place, native, await freePort())
}

/** A running primary and its running standby, which confirms every commit. */
export async function createPair(): Promise<{ primary: Cluster; standby: Cluster }> {
  const primary = await createCluster()
  const { place, native } = await newPlace()
  // Copied before its first start, so it needs no base backup.
  await cp(primary.place.cluster, `${place.cluster}.copy`, { recursive: true, preserveTimestamps: true })
  await own(`${place.cluster}.copy`, place)
  await rename(`${place.cluster}.copy`, place.cluster)
  const standby = new Cluster(place, native, await freePort())
  await primary.start({ synchronous_standby_names: '*' })
  await standby.start(await standby.follow(primary))
  const deadline = Date.now() + 20_000
  while (!(await primary.query(`SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`)).length) {
    if (Date.now() > deadline) throw new Error('the standby does not follow its primary')
    await sleep(50)
  }
  return { primary, standby }
}

async function own(folder: string, { account }: Place): Promise<void> {
  await chmod(folder, 0o700)
  if (!account) return
  const change = spawn('chown', ['-R', `${account.uid}:${account.gid}`, folder])
  await once(change, 'exit')
}

async function newPlace(): Promise<{ place: Place; native: string }> {
  const folder = await realpath(await mkdtemp(join(await folderForClusters(), 'authograph-cluster-')))
  // As root, the server runs as another user, who must be able to enter.
  await chmod(folder, 0o755)
  const place = await findPlace(folder, () => {})
  return { place, native: await usableBinaries(await findBinaries(), place, () => {}) }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
