import { setFlagsFromString } from 'node:v8'
import { type Environment, readEnvironment } from './environment.ts'

/** Environment variables and flags that only take effect when a process starts. */
export type Launch = { env: Record<string, string>; flags: string[] }

/** Limits the memory for garbage to what Node 20 and 22 use by default. Node 24 would use four times as much (decision 028). */
const YOUNG_GENERATION_FLAG = '--max-semi-space-size'

/**
 * The variables and flags that this process should have been started with:
 * - a single malloc arena, because glibc otherwise keeps separate memory for each thread;
 * - a young generation that does not grow further with newer versions of Node.
 *
 * Values that are already set are not changed.
 */
export function missing(environment: Environment, given: readonly string[], platform: string): Launch {
  const env: Record<string, string> = {}
  if (platform === 'linux' && !environment.MALLOC_ARENA_MAX) env.MALLOC_ARENA_MAX = '1'
  const options = [...given, ...(environment.NODE_OPTIONS ?? '').split(/\s+/)]
  const small = options.some(option => option.replaceAll('_', '-').startsWith(YOUNG_GENERATION_FLAG))
  return { env, flags: small ? [] : [`${YOUNG_GENERATION_FLAG}=16`] }
}

const GROWTH_FLAG = '--semi-space-growth-factor'
const DEFAULT_GROWTH = 2

/**
 * Keeps the young generation as small as it is. Most of what a start creates stays, which V8 takes as a reason to let the
 * young generation grow to its limit, and nothing makes it smaller afterwards. Returns a function that lets it grow.
 * Does nothing if the operator has set how it grows.
 */
export function holdYoungGeneration(
  given = [...process.execArgv, readEnvironment().NODE_OPTIONS ?? ''],
  setFlag: (flag: string) => unknown = setFlagsFromString,
): () => void {
  if (given.some(option => option.replaceAll('_', '-').includes(GROWTH_FLAG))) return () => {}
  setFlag(`${GROWTH_FLAG}=1`)
  return () => setFlag(`${GROWTH_FLAG}=${DEFAULT_GROWTH}`)
}

/**
 * Restarts the program with the variables and flags that it lacks. Returns if none is missing, or if Node can't replace
 * the process, as on Windows and before Node 22.15.
 */
export function relaunch(): void {
  const { env, flags } = missing(readEnvironment(), process.execArgv, process.platform)
  if (Object.keys(env).length === 0 && flags.length === 0) return
  const args = [...process.execArgv, ...flags, ...process.argv.slice(1)]
  const fullEnvironment = { ...process.env, ...env } as Record<string, string>
  if (process.execve && process.platform !== 'win32') {
    process.execve(process.execPath, [process.execPath, ...args], fullEnvironment)
  }
}
