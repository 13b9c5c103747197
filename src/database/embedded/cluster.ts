import { chown, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Place } from './place.ts'
import { absent, exists, run } from './system.ts'

export const SUPERUSER = 'authograph'

/** @throws when the cluster was made by another major version than this one */
export async function checkVersion(cluster: string, version: string): Promise<void> {
  const major = String(Number.parseInt(version, 10))
  const found = (await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(absent(major))).trim()
  if (found === major) return
  throw new Error(
    `The database in ${cluster} was made by PostgreSQL ${found}, and this version of Authograph brings PostgreSQL ` +
      `${major}. Dump it with the version of Authograph that made it and restore the dump into a new data folder, ` +
      'or set DATABASE_URL to a PostgreSQL of yours. Nothing was changed.',
  )
}

/**
 * Makes the cluster unless there is one; for the holder of the lock. In a folder of another name first, so that
 * a half-made one never gets the name.
 */
export async function initialise(
  { home, cluster, account }: Place,
  native: string,
  sync: boolean,
): Promise<void> {
  if (await exists(join(cluster, 'PG_VERSION'))) return
  const fresh = `${cluster}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  if (account) await chown(fresh, account.uid, account.gid)
  const args = [
    ...['-D', fresh, '-U', SUPERUSER, '-A', 'trust', '--encoding=UTF8', '--no-instructions'],
    // The builtin provider needs no locales of the operating system, and sorts the same on all of them.
    ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(sync ? [] : ['--no-sync']),
  ]
  await run(join(native, 'bin', 'initdb'), args, account).catch((cause: unknown) => {
    const { code, stderr, message } = cause as { code?: unknown; stderr?: string; message: string }
    const hint = code === 'ENOENT' ? ' (on Alpine Linux: the binaries need glibc)' : ''
    const what = `The built-in PostgreSQL could not be run${hint}. Set DATABASE_URL to use another.`
    throw new Error(`${what} ${stderr?.trim() || message}`, { cause })
  })
  await rename(fresh, cluster).catch(async (cause: unknown) => {
    await rm(fresh, { recursive: true })
    const what = `${cluster} is in the way: it is not a PostgreSQL cluster.`
    throw new Error(`${what} Move it, or choose another data folder.`, { cause })
  })
  // So that the cluster is not lost with its name when the machine loses power now.
  const folder = await open(home)
  await folder.sync().finally(() => folder.close())
}
