// npm run bench: measures the service and its baselines alternately in one run, because a machine's speed varies.
// Prints one table. Exits with 1 if a response was not a success, but not if a goal was missed.
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { loadConfig } from '../../src/config.ts'
import { type EmbeddedDatabase, startEmbedded } from '../../src/database/embedded/start.ts'
import { startFakeProvider } from '../support/fake-provider.ts'
import { type Cores, findCores, pin } from './cores.ts'
import { dpop } from './dpop.ts'
import { FLOOD_SETTINGS, floods } from './floods.ts'
import { importing } from './importing.ts'
import { passkeys } from './passkeys.ts'
import { peers } from './peers.ts'
import { pooled } from './pooler.ts'
import { residentMb, type Service, type Settings, startScript, startService } from './processes.ts'
import { providers } from './providers.ts'
import { makeAccounts } from './requests.ts'
import { scale } from './scale.ts'
import { createForScale, creationSettings, writeToDisk } from './scale-data.ts'
import { soak } from './soak.ts'
import { CONNECTIONS, hashing, latency, type Stage, throughput } from './stages.ts'
import { type Row, toTable, valueRow } from './table.ts'
import { tracing } from './tracing.ts'
import { verifying } from './verify.ts'
import { sharing } from './workers.ts'

/** The goals are for Node 22 and newer. */
const NODE = `Node ${process.versions.node.split('.')[0]}`
const STARTS = 5
const SETTLE_MS = 2000
/** Enough that each signs in less often than an account has sessions. */
const SIGNERS = 128
const SETTINGS: Settings = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'http://localhost',
  MAIL: 'off',
  AUTHOGRAPH_SECRET: 'a secret that only the bench may know',
  // All load comes from one address and must be hashed, not refused.
  LIMIT_LOGIN_NETWORK: '1000000/1h',
  LIMIT_WORK_ACCOUNT: '1000000/1h',
  LIMIT_WORK_NETWORK: '1000000/1h',
  LIMIT_PROFILE_ACCOUNT: '1000000/1h',
  LIMIT_REGISTER_NETWORK: '1000000/1h',
  LIMIT_MAIL_NETWORK: '1000000/1h',
  HASH_WAIT_MS: '60000',
}
const config = loadConfig(SETTINGS)
/** What must be stopped or removed at the end, in reverse order. */
const leftovers: (() => Promise<unknown>)[] = []

/** What `npm run bench -- <part>` measures alone. */
const PARTS: Record<string, (folder: string, cores: Cores | undefined) => Promise<Row[]>> = {
  scale: scaled,
  hashing: hashingAlone,
  floods: floodedAlone,
  dpop: dpopAlone,
  passkeys: passkeysAlone,
  providers: providersAlone,
  verify: verifyingAlone,
  tracing: tracingAlone,
  pooler: pooledAlone,
  workers: sharedAlone,
  peers: besidePeers,
  soak: soaked,
}

async function bench(): Promise<string> {
  const cores = await findCores()
  const [loadBefore = 0] = loadavg()
  const folder = await makeFolder()
  const run = PARTS[process.argv[2] ?? ''] ?? everything
  const rows = await run(folder, cores)
  return [toTable(rows), '', ...footer(cores, loadBefore), ''].join('\n')
}

async function everything(folder: string, cores: Cores | undefined): Promise<Row[]> {
  const builtIn = { ...SETTINGS, DATA_DIR: folder }
  // The goal excludes the very first start, which creates the database.
  await (await startService(builtIn, folder)).stop()
  const starts = await startTimes(builtIn, folder)

  const imports = await importRows(folder)
  const database = await startDatabase(folder, cores)
  const DATABASE_URL = database.url('authograph')
  const settings = { ...SETTINGS, DATABASE_URL }
  const startsWithUrl = await startTimes(settings, folder)

  const service = await startService(settings, folder)
  leftovers.push(service.stop)
  await sleep(SETTLE_MS)
  const idleMb = await residentMb(service.pid)
  const stage = await setUp(service, DATABASE_URL, cores)
  const rows = [...(await throughput(stage)), ...(await hashing(stage)), ...(await latency(stage))]
  await sleep(SETTLE_MS)
  const busyMb = await residentMb(service.pid)
  return [
    ...rows,
    ...(await passkeyRows(database, folder, cores)),
    ...(await dpopRows(database, folder, cores)),
    ...(await providerRows(database, folder, cores)),
    ...(await flooded(database, folder, cores)),
    ...(await verifying()),
    ...(await tracing(database, SETTINGS, folder, cores)),
    ...imports,
    valueRow(`start-up, built-in database, ${NODE}`, starts, seconds, { atMost: 0.9 }),
    valueRow(`start-up, DATABASE_URL, ${NODE}`, startsWithUrl, seconds, { atMost: 0.5 }),
    valueRow(`memory, idle, ${NODE}`, [idleMb], megabytes, { atMost: 100 }),
    valueRow('memory, after the bench', [busyMb], megabytes, { atMost: 250 }),
    ...(await scale(scene(database, folder, cores))),
  ]
}

/**
 * Only the measurements that must not grow with the number of accounts: `npm run bench -- scale`. With a number of accounts,
 * such as `npm run bench -- scale 10000000`, it measures that one beside 1,000, with three sessions and ten events each, or as
 * many as the disk has room for. With `SCALE_DIR`, the database is created in that folder and stays there, so that an
 * interrupted run goes on and a finished one can be repeated.
 */
async function scaled(folder: string, cores: Cores | undefined): Promise<Row[]> {
  const [, , , asked] = process.argv
  const { SCALE_DIR } = process.env
  const accounts = asked && (await createInTime(SCALE_DIR ?? folder, Number(asked)))
  const database = await startDatabase(SCALE_DIR ?? folder, cores, SCALE_DIR !== undefined)
  await pin(process.pid, cores?.asking)
  return scale(scene(database, folder, cores), accounts || undefined)
}

/** With settings that make it fast, on all cores. The database stops afterwards. */
async function createInTime(dataDir: string, accounts: number): Promise<number> {
  const database = await startEmbedded({ dataDir, log: () => {}, settings: creationSettings() })
  const stopped = database.stop.bind(database)
  leftovers.push(stopped)
  const created = await createForScale(scene(database, dataDir, undefined), accounts)
  await stopped()
  await writeToDisk()
  return created
}

/** The service beside other products, which it installs from npm: `npm run bench -- peers`. */
async function besidePeers(folder: string, cores: Cores | undefined): Promise<Row[]> {
  return peers(scene(await startDatabase(folder, cores), folder, cores), folder)
}

/**
 * Mixed traffic for 30 minutes, or as many as given: `npm run bench -- soak [minutes] [requests a second]`. Exits with 1
 * if something does not hold.
 */
async function soaked(folder: string, cores: Cores | undefined): Promise<Row[]> {
  const [, , , minutes = '30', perSecond = '50'] = process.argv
  const database = await startDatabase(folder, cores)
  const rows = await soak(
    scene(database, folder, cores),
    { ...SETTINGS, DATA_DIR: folder },
    Number(minutes),
    Number(perSecond),
  )
  if (rows.some(({ met }) => met === 'no')) process.exitCode = 1
  return rows
}

/** Only sign-ins and registrations with passwords, and what is served beside them: `npm run bench -- hashing`. */
async function hashingAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  const database = await startDatabase(folder, cores)
  const DATABASE_URL = await database.ensureDatabase('hashing')
  const service = await startService({ ...SETTINGS, DATABASE_URL }, folder)
  leftovers.push(service.stop)
  const stage = await setUp(service, DATABASE_URL, cores)
  return [...(await hashing(stage)), ...(await latency(stage))]
}

/** Only the floods: `npm run bench -- floods`. */
async function floodedAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  return flooded(await startDatabase(folder, cores), folder, cores)
}

/** Only the sign-ins with passkeys: `npm run bench -- passkeys`. */
async function passkeysAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  return passkeyRows(await startDatabase(folder, cores), folder, cores)
}

/** Only the verification of access tokens in other servers: `npm run bench -- verify`. */
async function verifyingAlone(_folder: string, cores: Cores | undefined): Promise<Row[]> {
  await pin(process.pid, cores?.asking)
  return verifying()
}

/** Only what tracing costs that is off: `npm run bench -- tracing`. */
async function tracingAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  const database = await startDatabase(folder, cores)
  await pin(process.pid, cores?.asking)
  return tracing(database, SETTINGS, folder, cores)
}

/** Only what a pooler costs: `npm run bench -- pooler`. */
async function pooledAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  return pooled(await startDatabase(folder, cores), SETTINGS, folder)
}

/** Only what a request costs with two workers: `npm run bench -- workers`. */
async function sharedAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  const database = await startDatabase(folder, cores)
  await pin(process.pid, cores?.asking)
  return sharing(database, SETTINGS, folder, cores)
}

async function passkeyRows(
  database: EmbeddedDatabase,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const DATABASE_URL = await database.ensureDatabase('passkeys')
  const service = await startService({ ...SETTINGS, DATABASE_URL }, folder)
  leftovers.push(service.stop)
  const bareWebauthn = await startScript('bare-webauthn.js', SETTINGS)
  leftovers.push(bareWebauthn.stop)
  await pin(process.pid, cores?.asking)
  const rows = await passkeys(service, bareWebauthn, cores)
  await bareWebauthn.stop()
  await service.stop()
  return rows
}

/** Only the sessions that are bound to a key: `npm run bench -- dpop`. */
async function dpopAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  return dpopRows(await startDatabase(folder, cores), folder, cores)
}

async function dpopRows(
  database: EmbeddedDatabase,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  await pin(process.pid, cores?.asking)
  return dpop(database, SETTINGS, folder, cores)
}

/** Only the sign-ins with a provider: `npm run bench -- providers`. */
async function providersAlone(folder: string, cores: Cores | undefined): Promise<Row[]> {
  return providerRows(await startDatabase(folder, cores), folder, cores)
}

/** Outside production, because the provider of the bench has no certificate; the rest is as in production. */
const PROVIDER_SETTINGS: Settings = {
  NODE_ENV: 'development',
  WEB: 'off',
  SANDBOX: 'off',
  INTROSPECTION: 'off',
  // Addresses that can be relied on create accounts.
  PROVIDER_CORP_EMAIL: 'verified',
  LIMIT_PROVIDER_NETWORK: '1000000/1h',
}

async function providerRows(
  database: EmbeddedDatabase,
  folder: string,
  cores: Cores | undefined,
): Promise<Row[]> {
  const DATABASE_URL = await database.ensureDatabase('providers')
  const fake = await startFakeProvider()
  leftovers.push(() => fake.stop())
  const settings = { ...SETTINGS, ...PROVIDER_SETTINGS, ...fake.settings(), DATABASE_URL }
  const service = await startService(settings, folder)
  leftovers.push(service.stop)
  await pin(process.pid, cores?.asking)
  const rows = await providers(service, DATABASE_URL, fake, cores)
  await service.stop()
  return rows
}

/** Uses its own service and database, because its limits are those of a normal server. */
async function flooded(database: EmbeddedDatabase, folder: string, cores: Cores | undefined): Promise<Row[]> {
  const DATABASE_URL = await database.ensureDatabase('floods')
  const service = await startService({ ...SETTINGS, ...FLOOD_SETTINGS, DATABASE_URL }, folder)
  leftovers.push(service.stop)
  await pin(process.pid, cores?.asking)
  const rows = await floods(service, await makeAccounts(service.port, 2 * CONNECTIONS), cores)
  await service.stop()
  return rows
}

function scene(database: EmbeddedDatabase, folder: string, cores: Cores | undefined) {
  const start = async (databaseUrl: string) => {
    const service = await startService({ ...SETTINGS, DATABASE_URL: databaseUrl }, folder)
    leftovers.push(service.stop)
    return service
  }
  return { database, start, cores, hashing: config.hashing, leftovers }
}

async function makeFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'authograph-bench-')))
  leftovers.push(() => rm(folder, { recursive: true, force: true }))
  // For root, the database runs as another user, who must be able to enter.
  await chmod(folder, 0o755)
  return folder
}

async function startTimes(settings: Settings, folder: string): Promise<number[]> {
  const times: number[] = []
  for (let start = 0; start < STARTS; start++) {
    const service = await startService(settings, folder)
    times.push(service.readyAfterMs / 1000)
    await service.stop()
  }
  return times
}

/** With the built-in database on all cores, and its settings as shipped. */
async function importRows(dataDir: string): Promise<Row[]> {
  const server = await startEmbedded({ dataDir, log: () => {} })
  return importing(server, join(dataDir, 'import'), SETTINGS).finally(() => server.stop())
}

/** The built-in database with the settings that the service gives it, on the cores that do not serve. */
async function startDatabase(
  dataDir: string,
  cores: Cores | undefined,
  kept = false,
): Promise<EmbeddedDatabase> {
  await pin(process.pid, cores?.asking)
  const database = await startEmbedded({ dataDir, log: () => {} })
  await pin(process.pid, cores?.all)
  leftovers.push(async () => {
    await database.stop()
    if (!kept) await rm(dirname(database.dir), { recursive: true, force: true })
  })
  return database
}

/** Starts the baselines before this process is pinned, because the number of concurrent hashes depends on the cores. */
async function setUp(service: Service, DATABASE_URL: string, cores: Cores | undefined): Promise<Stage> {
  const bareServer = await startScript('bare-server.js', {
    DATABASE_URL,
    DATABASE_POOL_SIZE: String(config.database.poolSize),
    JWKS_URL: `http://127.0.0.1:${service.port}/.well-known/jwks.json`,
  })
  leftovers.push(bareServer.stop)
  const bareApollo = await startScript('bare-apollo.js', { NODE_ENV: 'production' })
  leftovers.push(bareApollo.stop)
  const bareArgon2 = await startScript('bare-argon2.js', SETTINGS)
  leftovers.push(bareArgon2.stop)
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 1 })
  leftovers.push(() => pool.end())
  await pin(process.pid, cores?.asking)
  const accounts = await makeAccounts(service.port, 2 * CONNECTIONS + SIGNERS)
  return {
    service,
    bareServer,
    bareApollo,
    bareArgon2,
    pool,
    cores,
    holders: accounts.slice(0, CONNECTIONS),
    refreshers: accounts.slice(CONNECTIONS, 2 * CONNECTIONS),
    signers: accounts.slice(2 * CONNECTIONS),
  }
}

function footer(cores: Cores | undefined, loadBefore: number): string[] {
  const { memoryKib, timeCost, parallelism, concurrency } = config.hashing
  const [cpu] = cpus()
  return [
    `Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}. Load average before the run: ${loadBefore.toFixed(1)}.`,
    'Medians of rounds taken in turns; a ratio is the median of the rounds’ own ratios, with the lowest and the highest.',
    cores
      ? `Throughput of me and refreshToken: what serves has core ${cores.serving} to itself, load and database have ${cores.asking}. Hashing and p99: the service has all cores, load and database ${cores.asking}.`
      : 'No process is pinned to a core: there is one core only, or no taskset.',
    `${CONNECTIONS} connections, a pool of ${config.database.poolSize}. argon2id m=${memoryKib} KiB t=${timeCost} p=${parallelism}, ${concurrency} concurrently. Built-in PostgreSQL, settings as shipped.`,
  ]
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`
}

function megabytes(value: number): string {
  return `${Math.round(value)} MB`
}

async function tidyUp(): Promise<void> {
  for (const undo of leftovers.splice(0).reverse()) await undo()
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void tidyUp().finally(() => process.exit(1)))
}
try {
  process.stdout.write(await bench())
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`)
  process.exitCode = 1
} finally {
  await tidyUp()
}
