import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { type Environment, readEnvironment } from './environment.ts'

/** What a process must be started with: nothing of this can be changed once it runs. */
export type Launch = { env: Record<string, string>; flags: string[] }

/** The threads of libuv unless UV_THREADPOOL_SIZE is set. */
const DEFAULT_THREADS = 4
/** Threads for files and host names while every password hash that may run is running. */
const SPARE_THREADS = 2
/** Halves the memory that garbage takes; collections become more frequent. */
const YOUNG_GENERATION_FLAG = '--max-semi-space-size'

/**
 * What this process lacks:
 * - one malloc arena, for glibc otherwise keeps memory of its own for each thread;
 * - a small young generation;
 * - more threads than password hashes that run at once: otherwise hashes wait for each other, and files and host
 *   names for hashes.
 *
 * Values that are set already stay.
 */
export function missing(environment: Environment, given: readonly string[], platform: string): Launch {
  const env: Record<string, string> = {}
  if (platform === 'linux' && !environment.MALLOC_ARENA_MAX) env.MALLOC_ARENA_MAX = '1'
  const threads = hashesAtOnce(environment) + SPARE_THREADS
  if (threads > DEFAULT_THREADS && !environment.UV_THREADPOOL_SIZE) env.UV_THREADPOOL_SIZE = String(threads)
  const options = [...given, ...(environment.NODE_OPTIONS ?? '').split(/\s+/)]
  const small = options.some(option => option.replaceAll('_', '-').startsWith(YOUNG_GENERATION_FLAG))
  return { env, flags: small ? [] : [`${YOUNG_GENERATION_FLAG}=4`] }
}

/** A setting that is not a number is reported by `loadConfig`. */
function hashesAtOnce({ HASH_CONCURRENCY }: Environment): number {
  return Number(HASH_CONCURRENCY?.trim() || availableParallelism()) || 0
}

/**
 * Starts the program again with what it lacks; returns when nothing is missing, or when starting again would cost
 * more than it gains. Node 22.15 and newer replaces the process. Node 20 cannot, so it runs the program in a
 * second process, and only where password hashes would otherwise wait for threads.
 */
export async function relaunch(): Promise<void> {
  const environment = readEnvironment()
  const { env, flags } = missing(environment, process.execArgv, process.platform)
  if (Object.keys(env).length === 0 && flags.length === 0) return
  const args = [...process.execArgv, ...flags, ...process.argv.slice(1)]
  const wanted = { ...process.env, ...env } as Record<string, string>
  if (process.execve && process.platform !== 'win32') {
    process.execve(process.execPath, [process.execPath, ...args], wanted)
  }
  if (!env.UV_THREADPOOL_SIZE || hashesAtOnce(environment) <= DEFAULT_THREADS) return
  const child = spawn(process.execPath, args, { env: wanted, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exit(code ?? 1)
}
