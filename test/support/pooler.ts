import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { freePort } from './clusters.ts'

/** Another PgBouncer than the one in the path, such as a newer one. */
const PGBOUNCER = process.env.PGBOUNCER || 'pgbouncer'

export type Pooler = {
  version: string
  pid(): number
  /** The address of the same database through the pooler. */
  url(databaseUrl: string): string
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
  /** Starts it again at the same address. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Starts PgBouncer in transaction mode in front of the test server, with few connections to it. */
export async function startPooler(serverUrl: string, size: number, settings = ''): Promise<Pooler> {
  const { host, port } = new pg.Client(serverUrl)
  const folder = await mkdtemp(join(tmpdir(), 'authograph-pooler-'))
  await chmod(folder, 0o755)
  const listenPort = await freePort()
  const ini = join(folder, 'pgbouncer.ini')
  await writeFile(
    ini,
    `[databases]
* = host=${host} port=${port} user=${new URL(serverUrl).username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${size}
max_client_conn = 200
${settings}
`,
  )
  // It does not run as root, and may only connect as the owner of the server's socket.
  const { uid, gid } = await stat(host)
  const account = process.getuid?.() === 0 ? { uid, gid } : {}
  let stop = async () => {}
  let pid = 0
  const start = async () => {
    const child = spawn(PGBOUNCER, [ini], { ...account, stdio: ['ignore', 'ignore', 'pipe'] })
    pid = child.pid ?? 0
    const gone = once(child, 'exit')
    stop = async () => {
      child.kill('SIGKILL')
      await gone
    }
    const output: string[] = []
    await new Promise<void>((resolve, reject) => {
      createInterface(child.stderr).on('line', line => {
        output.push(line)
        if (line.includes('process up')) resolve()
      })
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`PgBouncer ended: ${output.join('\n')}`)))
    }).catch((cause: unknown) => {
      throw new Error(`PgBouncer did not start. Install it, for example with: apt-get install pgbouncer`, {
        cause,
      })
    })
  }
  await start()
  return {
    version: await versionOf(),
    pid: () => pid,
    url: databaseUrl => {
      const url = new URL(databaseUrl)
      url.host = `127.0.0.1:${listenPort}`
      url.search = ''
      return url.href
    },
    kill: () => stop(),
    start,
    close: async () => {
      await stop()
      await rm(folder, { recursive: true })
    },
  }
}

async function versionOf(): Promise<string> {
  const child = spawn(PGBOUNCER, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines = createInterface(child.stdout)
  const [line] = (await once(lines, 'line')) as [string]
  return line.replace('PgBouncer ', '')
}
