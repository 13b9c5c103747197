import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { chown, type FileHandle, lstat, mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Place } from './place.ts'
import { absent, ENVIRONMENT, run, unless } from './system.ts'

type PidFile = { text: string; pid: number; socketDir: string; status: string }

// sockaddr_un.sun_path is 104 bytes on macOS (108 on Linux), the final NUL included.
const SOCKET_PATH_BYTES = 103

/**
 * Takes the lock that the server of this place holds, without waiting; undefined when somebody has it. Node has
 * no flock, so macOS takes it in open(2), and Linux lets flock(1) lock the descriptor it inherits, which is the
 * same open file as ours. Where flock(1) or the file system cannot, PostgreSQL's own interlock has to do.
 */
export async function tryLock({ home }: Place): Promise<FileHandle | undefined> {
  const path = join(home, 'postgres.lock')
  if (process.platform === 'darwin') {
    const O_EXLOCK = 0x20
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK
    return open(path, flags, 0o600).catch(unless(['EAGAIN'], undefined))
  }
  const file = await open(path, 'a', 0o600)
  const stdio = ['ignore' as const, 'ignore' as const, 'ignore' as const, file.fd]
  const exit = once(spawn('flock', ['-x', '-n', '3'], { env: ENVIRONMENT, stdio }), 'exit')
  const [code] = (await exit.catch(unless(['ENOENT'], []))) as (number | null)[]
  if (code !== 1) return file
  await file.close()
  return undefined
}

/** Spawns the server, which inherits the lock; does not wait until it answers. */
export async function launch(
  place: Place,
  native: string,
  settings: Record<string, string>,
  lock: FileHandle,
): Promise<ChildProcess> {
  const socketDir = await privateSocketDir(place)
  const all = {
    listen_addresses: '',
    // Not the statements that fail: a taken address is no news, and nobody rotates this file.
    log_min_messages: 'log',
    unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    log_checkpoints: 'off',
    ...settings,
  }
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const stale = await readPidFile(place.cluster)
  const output = await open(logFile(place), 'a', 0o600)
  try {
    const child = spawn(join(native, 'bin', 'postgres'), ['-D', place.cluster, ...args], {
      ...place.account,
      cwd: place.cluster,
      // Whatever has the pid of a crashed server today is not PostgreSQL (our caller has looked). PostgreSQL only
      // sees that such a process exists and would refuse to start for ever; this tells it to disregard that pid.
      env: { ...ENVIRONMENT, ...(stale && { PG_GRANDPARENT_PID: String(stale.pid) }) },
      stdio: ['ignore', output.fd, output.fd, lock.fd],
      detached: true,
    })
    await once(child, 'spawn')
    child.unref()
    return child
  } finally {
    await output.close()
  }
}

/** The cluster's folder, whose mode is 0700, or where its path is too long for a socket, one as private. */
async function privateSocketDir({ cluster, account }: Place): Promise<string> {
  if (Buffer.byteLength(join(cluster, '.s.PGSQL.5432')) <= SOCKET_PATH_BYTES) return cluster
  const dir = `/tmp/authograph-${createHash('sha256').update(cluster).digest('hex').slice(0, 16)}`
  const made = await mkdir(dir, { mode: 0o700 }).then(() => true, unless(['EEXIST'], false))
  if (made && account) await chown(dir, account.uid, account.gid)
  const owner = account?.uid ?? process.geteuid?.()
  const found = await lstat(dir)
  if (found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0) return dir
  throw new Error(
    `${dir} is not a private folder of uid ${owner} (mode 700). Remove it: the database's socket goes there.`,
  )
}

/** What `postmaster.pid` says (lines: src/include/utils/pidfile.h); it outlives a server that crashed. */
export async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(absent(''))
  const [pid, , , , socketDir = '', , , status = ''] = text.split('\n')
  return Number(pid) > 0 ? { text, pid: Number(pid), socketDir, status: status.trim() } : undefined
}

/** Whether this pid is alive and a PostgreSQL server on this folder, rather than a later owner of the number. */
export async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  // Slim images have no ps. Not /proc/<pid>/cwd: in a container root may not read it for another user's process.
  const asked =
    process.platform === 'linux'
      ? readFile(`/proc/${pid}/cmdline`, 'utf8')
      : run('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
  const command = await asked.catch(() => '')
  return command.replaceAll('\0', ' ').includes(`postgres -D ${cluster} `)
}

/** An error about the server, with the end of its log. */
export async function serverError(place: Place, what: string): Promise<Error> {
  const log = await readFile(logFile(place), 'utf8').catch(absent(''))
  const lines = log.trim().split('\n').slice(-15).join('\n')
  return new Error(
    `The built-in PostgreSQL in ${place.cluster} ${what}. The end of ${logFile(place)}:\n${lines}`,
  )
}

function logFile({ home }: Place): string {
  return join(home, 'postgres.log')
}
