import { execFile } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from '@jest/globals'
import pg from 'pg'

export const ROOT = path.resolve(import.meta.dirname, '../..')
export const INSTALL_TIMEOUT_MS = 10 * 60_000

/** A program of this repository's development dependencies. */
export const bin = (name: string) => path.join(ROOT, 'node_modules/.bin', name)

/** A folder for the tests of a file, removed after them. */
export function usePlace(prefix: string): () => string {
  let place: string
  beforeAll(async () => {
    place = await mkdtemp(path.join(os.tmpdir(), prefix))
  })
  afterAll(() => rm(place, { recursive: true, force: true }))
  return () => place
}

/** The environment of a command. What npm and Jest tell their scripts is left out. */
export function environment(): NodeJS.ProcessEnv {
  const outer = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|INIT_CWD|NODE_OPTIONS|NODE_ENV)/.test(name),
  )
  const settings = { PORT: '0', WEB: 'off', LOG_LEVEL: 'warn', COREPACK_ENABLE_STRICT: '0' }
  return { ...Object.fromEntries(outer), ...settings }
}

/** Returns everything that was printed. If the command fails, the error contains it. */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  try {
    const options = { cwd, env: environment(), maxBuffer: 2 ** 26 }
    const { stdout, stderr } = await promisify(execFile)(command, args, options)
    return stdout + stderr
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`)
  }
}

/** What `npm run build` writes last. */
const BUILT = path.join(ROOT, 'dist/prerender/prerender.js')

/** Whether the server and its pages are built, and no source is newer. */
function isBuilt(): boolean {
  const builtAt = statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  return sources
    .filter(file => !file.includes('generated'))
    .every(file => statSync(path.join(ROOT, 'src', file)).mtimeMs < builtAt)
}

/** Workers take turns at what writes into `dist`. */
async function inTurn(write: () => Promise<unknown>): Promise<void> {
  const turn = new pg.Client(process.env.AUTHOGRAPH_TEST_SERVER)
  await turn.connect()
  try {
    await turn.query(`SELECT pg_advisory_lock(hashtext('package'))`)
    await write()
  } finally {
    await turn.end()
  }
}

/** Packs another of our packages into the folder: the client, what verifies tokens, or what creates projects. */
export async function pack(name: 'client' | 'verify' | 'create', folder: string): Promise<void> {
  await inTurn(() => run(ROOT, 'npm', 'run', '--silent', `pack:${name}`, '--', '--pack-destination', folder))
}

/** Packs the server into the folder, as the registry would have it, and returns what a package.json calls the file. */
export async function packServer(folder: string): Promise<string> {
  await inTurn(async () => {
    if (!isBuilt()) await run(ROOT, 'npm', 'run', 'build')
    await run(ROOT, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder)
  })
  const packed = (await readdir(folder)).find(file => /^authograph-\d.*\.tgz$/.test(file))
  return `file:${path.join(folder, String(packed))}`
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
