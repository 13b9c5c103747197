import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Four levels up from dist/bench/test/bench. */
const PACKAGE = fileURLToPath(new URL('../../../../', import.meta.url))
const READY_TIMEOUT_MS = 60_000
const POLL_MS = 5

export type Settings = Record<string, string>
export type Service = { pid: number; port: number; readyAfterMs: number; stop(): Promise<void> }

/**
 * Starts the service as `npm start` does, on a free port, with these settings and no others. `readyAfterMs` is the
 * time from spawning the process to the first 200 of /readyz. The working folder is not the package's, because its
 * `.env` must not apply.
 * @throws Error when it exits or is not ready within a minute
 */
export async function startService(settings: Settings, folder: string): Promise<Service> {
  const port = await freePort()
  const { variables, args } = await startCommand()
  const env = { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), ...variables, ...settings }
  const start = performance.now()
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  while (!(await isReady(port))) {
    if (child.exitCode !== null || performance.now() - start > READY_TIMEOUT_MS) {
      child.kill()
      throw new Error('The service did not start.')
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  return { pid: pidOf(child), port, readyAfterMs: performance.now() - start, stop: () => stop(child) }
}

/** The variable and the arguments that `npm start` passes to Node, with an absolute path. */
async function startCommand(): Promise<{ variables: Settings; args: string[] }> {
  const { scripts } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  const [, name, value, flags] =
    /^exec env (\w+)=(\S+) node ((?:--\S+ )*)dist\/main\.js$/.exec(scripts.start) ?? []
  if (name === undefined || value === undefined || flags === undefined) {
    throw new Error(`The bench cannot run this start script: ${scripts.start}`)
  }
  const program = join(PACKAGE, 'dist/main.js')
  return { variables: { [name]: value }, args: [...flags.split(' ').filter(Boolean), program] }
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
  await answer?.arrayBuffer()
  return answer?.status === 200
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

export type Script = {
  pid: number
  /** The message that the script sends when it is ready. */
  greeting: unknown
  /** Sends a message and waits for the answer. */
  ask(message: object): Promise<unknown>
  stop(): Promise<void>
}

/** Runs a script of this folder in its own process. */
export function startScript(name: string, settings: Settings): Promise<Script> {
  return startScriptAt(fileURLToPath(new URL(name, import.meta.url)), settings)
}

/** Runs a script in its own process, in its own folder. */
export async function startScriptAt(file: string, settings: Settings): Promise<Script> {
  const name = basename(file)
  const child = fork(file, { env: settings, cwd: dirname(file) })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended.`)))
  ended.catch(() => {})
  const heard = async (): Promise<unknown> => (await Promise.race([once(child, 'message'), ended]))[0]
  return {
    pid: pidOf(child),
    greeting: await heard(),
    ask: message => {
      child.send(message)
      return heard()
    },
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('A process could not be started.')
  return pid
}

/** The resident set size of a process, in MB. */
export async function residentMb(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) / 1024
}
