import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { build } from './cli.ts'

const MAIN = path.resolve(import.meta.dirname, '../../dist/main.js')

/** The default settings of a server. It inherits nothing from the environment of the tests. */
const SETTINGS = {
  PORT: '0',
  // What is built for these tests has no pages.
  WEB: 'off',
  AUTHOGRAPH_SECRET: 'a secret that only the tests may know',
  // Hashing yields to everything else, and so to other tests.
  HASH_WAIT_MS: '30000',
}
/** Production refuses them. */
const CHEAP_HASHES = { ARGON2_MEMORY_KIB: '64', ARGON2_TIME_COST: '1' }

export type ServerProcess = {
  pid: number | undefined
  /** Where it says that it listens; undefined when it ended before. */
  url: string | undefined
  /** Lines of standard output and of standard error so far. */
  stdout: string[]
  stderr: string[]
  kill(signal: NodeJS.Signals): void
  /** The exit code, once it has ended. */
  ended: Promise<number | null>
}

/**
 * The compiled server as a process of its own; resolves once it listens or has ended. `onSpawn` is given a way
 * to kill it before.
 */
export async function startProcess(
  settings: Record<string, string>,
  onSpawn: (kill: ServerProcess['kill']) => void = () => {},
): Promise<ServerProcess> {
  await build()
  const child = spawn(process.execPath, [MAIN], {
    cwd: tmpdir(),
    env: {
      PATH: process.env.PATH,
      ...SETTINGS,
      ...(settings.NODE_ENV !== 'production' && CHEAP_HASHES),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill: ServerProcess['kill'] = signal => void child.kill(signal)
  onSpawn(kill)
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  const stderr: string[] = []
  createInterface(child.stderr).on('line', line => stderr.push(line))
  const stdout: string[] = []
  const url = new Promise<string | undefined>(resolve => {
    createInterface(child.stdout).on('line', line => {
      stdout.push(line)
      const said = /^Authograph answers at (\S+)\/graphql/.exec(line)
      if (said) resolve(said[1])
    })
    void ended.then(() => resolve(undefined))
  })
  return { pid: child.pid, url: await url, stdout, stderr, kill, ended }
}
