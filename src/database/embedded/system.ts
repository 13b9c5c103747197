import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { promisify } from 'node:util'

export type Account = { uid: number; gid: number }

// LC_ALL: without it, PostgreSQL on macOS refuses to start ("became multithreaded"). TZ: initdb would otherwise search
// all time zones.
export const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const execute = promisify(execFile)

/** Runs a program, optionally as another account, and returns its output. */
export async function run(program: string, args: string[], account?: Account): Promise<string> {
  return (await execute(program, args, { ...account, cwd: '/', env: ENVIRONMENT })).stdout
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, absent(false))
}

/** For `catch`: returns the value if a file is missing, and rethrows any other error. */
export function absent<T>(value: T): (error: unknown) => T {
  return unless(['ENOENT', 'ENOTDIR'], value)
}

/** For `catch`: returns the value if the error has one of the codes, and rethrows any other error. */
export function unless<T>(codes: string[], value: T): (error: unknown) => T {
  return error => {
    // `instanceof Error` fails under Jest, where Node's own errors come from another realm.
    if (codes.includes(String((error as NodeJS.ErrnoException).code))) return value
    throw error
  }
}
