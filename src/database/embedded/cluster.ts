import { chown, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Place } from './place.ts'
import { absent, exists, run } from './system.ts'

export const SUPERUSER = 'authograph'

/** @throws when another major version of PostgreSQL created the cluster */
export async function checkVersion(cluster: string, version: string): Promise<void> {
  const major = String(Number.parseInt(version, 10))
  const found = (await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(absent(major))).trim()
  if (found === major) return
  throw new Error(
    `The database in ${cluster} was created by PostgreSQL ${found}, but this version of Authograph includes PostgreSQL ` +
      `${major}. Dump it with the version of Authograph that created it and restore the dump into a new data ` +
      'folder, or set DATABASE_URL to use your own PostgreSQL. Nothing was changed.',
  )
}

/**
 * Creates the cluster if none exists. The caller must hold the lock. initdb runs in a temporary folder, so that the
 * final name never refers to an incomplete cluster.
 */
export async function initialize(
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
    // The builtin provider does not depend on the operating system's locales, so it sorts the same everywhere.
    ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(sync ? [] : ['--no-sync']),
  ]
  await run(join(native, 'bin', 'initdb'), args, account).catch((cause: unknown) => {
    const { code, stderr, message } = cause as { code?: unknown; stderr?: string; message: string }
    const hint = code === 'ENOENT' ? ' (on Alpine Linux: the binaries need glibc)' : ''
    const what = `The built-in PostgreSQL could not be run${hint}. Set DATABASE_URL to use your own.`
    throw new Error(`${what} ${stderr?.trim() || message}`, { cause })
  })
  await rename(fresh, cluster).catch(async (cause: unknown) => {
    await rm(fresh, { recursive: true })
    const what = `${cluster} already exists and is not a PostgreSQL cluster.`
    throw new Error(`${what} Move it, or choose another data folder.`, { cause })
  })
  // Syncs the rename, so that the cluster survives a power failure.
  const folder = await open(home)
  await folder.sync().finally(() => folder.close())
}
