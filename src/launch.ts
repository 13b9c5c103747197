import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { type Environment, readEnvironment } from './environment.ts'

/** Environment variables and flags that only take effect when a process starts. */
export type Launch = { env: Record<string, string>; flags: string[] }

/** libuv's number of threads if UV_THREADPOOL_SIZE is not set. */
const DEFAULT_THREADS = 4
/** Threads for files and host names while the maximum number of password hashes is running. */
const SPARE_THREADS = 2
/** Limits the young generation, which halves the memory used by garbage at the cost of more frequent collections. */
const YOUNG_GENERATION_FLAG = '--max-semi-space-size'

/**
 * The variables and flags that this process should have been started with:
 * - a single malloc arena, because glibc otherwise keeps separate memory for each thread;
 * - a small young generation;
 * - more threads than concurrent password hashes. Otherwise, hashes wait for each other, and file access and host name
 *   look-ups wait for hashes.
 *
 * Values that are already set are not changed.
 */
export function missing(environment: Environment, given: readonly string[], platform: string): Launch {
  const env: Record<string, string> = {}
  if (platform === 'linux' && !environment.MALLOC_ARENA_MAX) env.MALLOC_ARENA_MAX = '1'
  const threads = concurrentHashes(environment) + SPARE_THREADS
  if (threads > DEFAULT_THREADS && !environment.UV_THREADPOOL_SIZE) env.UV_THREADPOOL_SIZE = String(threads)
  const options = [...given, ...(environment.NODE_OPTIONS ?? '').split(/\s+/)]
  const small = options.some(option => option.replaceAll('_', '-').startsWith(YOUNG_GENERATION_FLAG))
  return { env, flags: small ? [] : [`${YOUNG_GENERATION_FLAG}=4`] }
}

/** If the setting is not a number, `loadConfig` reports it. */
function concurrentHashes({ HASH_CONCURRENCY }: Environment): number {
  return Number(HASH_CONCURRENCY?.trim() || availableParallelism()) || 0
}

/**
 * Restarts the program with the variables and flags that it lacks. Returns if none is missing, or if a restart would
 * cost more than it gains. Node 22.15 and newer replaces the process. Node 20 cannot, so it runs the program in a second
 * process, and only if password hashes would otherwise wait for threads.
 */
export async function relaunch(): Promise<void> {
  const environment = readEnvironment()
  const { env, flags } = missing(environment, process.execArgv, process.platform)
  if (Object.keys(env).length === 0 && flags.length === 0) return
  const args = [...process.execArgv, ...flags, ...process.argv.slice(1)]
  const fullEnvironment = { ...process.env, ...env } as Record<string, string>
  if (process.execve && process.platform !== 'win32') {
    process.execve(process.execPath, [process.execPath, ...args], fullEnvironment)
  }
  if (!env.UV_THREADPOOL_SIZE || concurrentHashes(environment) <= DEFAULT_THREADS) return
  const child = spawn(process.execPath, args, { env: fullEnvironment, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exit(code ?? 1)
}
