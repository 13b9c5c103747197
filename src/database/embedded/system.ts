import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { promisify } from 'node:util'

export type Account = { uid: number; gid: number }

// LC_ALL: without one, PostgreSQL on macOS refuses to start ("became multithreaded"). TZ: spares initdb a
// search through all time zones.
export const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const execute = promisify(execFile)

/** Runs a program to its end, as the account where one is given, and gives what it printed. */
export async function run(program: string, args: string[], account?: Account): Promise<string> {
  return (await execute(program, args, { ...account, cwd: '/', env: ENVIRONMENT })).stdout
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, absent(false))
}

/** For `catch`: the value where a file is missing; any other error goes on. */
export function absent<T>(value: T): (error: unknown) => T {
  return unless(['ENOENT', 'ENOTDIR'], value)
}

/** For `catch`: the value where the error has one of the codes; any other error goes on. */
export function unless<T>(codes: string[], value: T): (error: unknown) => T {
  return error => {
    // Not `instanceof Error`: under Jest, Node's own errors are instances of another realm's class.
    if (codes.includes(String((error as NodeJS.ErrnoException).code))) return value
    throw error
  }
}
