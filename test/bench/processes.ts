import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const READY_TIMEOUT_MS = 60_000
const POLL_MS = 5

export type Settings = Record<string, string>
export type Service = { pid: number; port: number; readyAfterMs: number; stop(): Promise<void> }

/**
 * `node dist/main.js` with these settings and no others, answering on a free port. `readyAfterMs` is the time
 * from spawning it to the first 200 of /readyz. Its working folder is not the package, whose .env is not for us.
 * @throws Error when it exits or is not ready within a minute
 */
export async function startService(settings: Settings, folder: string): Promise<Service> {
  const port = await freePort()
  // As `npm start` has it.
  const env = {
    MALLOC_ARENA_MAX: '1',
    PATH: process.env.PATH,
    HOST: '127.0.0.1',
    PORT: String(port),
    ...settings,
  }
  // From dist/bench/test/bench.
  const program = fileURLToPath(new URL('../../../main.js', import.meta.url))
  const start = performance.now()
  const child = spawn(process.execPath, ['--max-semi-space-size=4', program], {
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
  /** What it said once it was ready. */
  greeting: unknown
  /** Sends a message and waits for the answer. */
  ask(message: object): Promise<unknown>
  stop(): Promise<void>
}

/** A script of this folder as a process of its own. */
export async function startScript(name: string, settings: Settings): Promise<Script> {
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), { env: settings })
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

/** The memory that a process occupies (its resident set), in MB. */
export async function residentMb(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) / 1024
}
