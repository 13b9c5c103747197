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
 * Takes the lock that the server of this place holds, without waiting. Returns undefined if it is taken. Node has no
 * flock: on macOS, open(2) takes the lock; on Linux, flock(1) locks the descriptor that it inherits, which refers to
 * the same open file. If flock(1) or the file system does not support this, PostgreSQL's own interlock must suffice.
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

/** Spawns the server, which inherits the lock. Does not wait until it answers. */
export async function launch(
  place: Place,
  native: string,
  settings: Record<string, string>,
  lock: FileHandle,
): Promise<ChildProcess> {
  const socketDir = await privateSocketDir(place)
  const all = {
    listen_addresses: '',
    // Leaves out failed statements: a unique violation is expected, and this file is not rotated.
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
      // The caller has checked that the pid of a crashed server is not a PostgreSQL server any more. PostgreSQL itself
      // only checks that the process exists and would refuse to start. This variable makes it ignore that pid.
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

/** The cluster's folder, whose mode is 0700, or another private folder if its path is too long for a socket. */
async function privateSocketDir({ cluster, account }: Place): Promise<string> {
  if (Buffer.byteLength(join(cluster, '.s.PGSQL.5432')) <= SOCKET_PATH_BYTES) return cluster
  const dir = `/tmp/authograph-${createHash('sha256').update(cluster).digest('hex').slice(0, 16)}`
  const created = await mkdir(dir, { mode: 0o700 }).then(() => true, unless(['EEXIST'], false))
  if (created && account) await chown(dir, account.uid, account.gid)
  const owner = account?.uid ?? process.geteuid?.()
  const found = await lstat(dir)
  if (found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0) return dir
  throw new Error(
    `${dir} is not a private folder of uid ${owner} (mode 700). Remove it, because the database's socket must be there.`,
  )
}

/** Reads `postmaster.pid` (format: src/include/utils/pidfile.h). The file remains after a crash. */
export async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(absent(''))
  const [pid, , , , socketDir = '', , , status = ''] = text.split('\n')
  return Number(pid) > 0 ? { text, pid: Number(pid), socketDir, status: status.trim() } : undefined
}

/** Whether this pid is a running PostgreSQL server on this folder, and not a later process with the same number. */
export async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  // Slim images have no ps. In a container, root may not read /proc/<pid>/cwd of another user's process.
  const asked =
    process.platform === 'linux'
      ? readFile(`/proc/${pid}/cmdline`, 'utf8')
      : run('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
  const command = await asked.catch(() => '')
  return command.replaceAll('\0', ' ').includes(`postgres -D ${cluster} `)
}

/** Creates an error about the server that includes the end of its log. */
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
