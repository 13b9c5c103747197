import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readlink, realpath, stat, symlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Account, absent, exists, run, unless } from './system.ts'

/** `home` contains the cluster, its lock and its log. `account` is set if the server runs as another user. */
export type Place = { home: string; cluster: string; account: Account | undefined }

/** Where root stores what the server's user could not reach elsewhere. */
export const SYSTEM_HOME = '/var/lib/authograph'

/**
 * Finds the cluster of a data folder and the user that its server runs as. If this process is root and the server's
 * user cannot reach the data folder, the cluster is stored elsewhere and the data folder has a symbolic link to it. The
 * link moves with the data folder, and a new data folder at an old path does not get the database of a deleted one.
 */
export async function findPlace(dataDir: string, log: (message: string) => void): Promise<Place> {
  await mkdir(dataDir, { recursive: true })
  const home = await realpath(dataDir)
  const path = join(home, 'postgres')
  const linked = await linkTarget(path)
  if (linked) {
    await makeOpenFolder(dirname(linked))
    return placeOf(linked)
  }
  const place = await placeOf(path)
  if (!place.account || (await mayReach(place.account, home))) return place

  const target = join(SYSTEM_HOME, randomBytes(8).toString('hex'), 'postgres')
  const created = await symlink(target, path).then(() => true, unless(['EEXIST'], false))
  if (created) {
    log(
      `PostgreSQL does not run as root, and ${home} is closed to other users. The database is in ${target}.`,
    )
  } else if (!(await linkTarget(path))) {
    throw new Error(
      `PostgreSQL does not run as root, and the owner of ${path} cannot reach it: a folder above it is closed ` +
        'to other users. Open it (chmod o+x), or move the data folder.',
    )
  }
  return findPlace(dataDir, log)
}

async function linkTarget(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(unless(['ENOENT', 'EINVAL'], undefined))
  return target && resolve(dirname(path), target)
}

async function placeOf(cluster: string): Promise<Place> {
  const home = dirname(cluster)
  const owner = await stat(cluster).catch(absent(undefined))
  const self = process.geteuid?.()
  if (self === 0) {
    const account = owner?.uid ? { uid: owner.uid, gid: owner.gid } : await systemAccount()
    return { home, cluster, account }
  }
  if (owner && owner.uid !== self) {
    throw new Error(`The database in ${cluster} belongs to uid ${owner.uid}. Start as that user, or as root.`)
  }
  return { home, cluster, account: undefined }
}

async function systemAccount(): Promise<Account> {
  const found = (await lookUp('postgres')) ?? (await lookUp('_postgres'))
  if (found) return found
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', SYSTEM_HOME]
  const shell = ['--shell', '/usr/sbin/nologin']
  const failure = await run('useradd', [...options, ...shell, 'postgres']).catch((error: unknown) => error)
  // Even after a failure, because another process may have created it.
  const account = await lookUp('postgres')
  if (account) return account
  throw new Error(
    'PostgreSQL does not run as root, and the system user "postgres" could not be created. Create it, start ' +
      'Authograph as a regular user, or set DATABASE_URL.',
    { cause: failure },
  )
}

async function lookUp(name: string): Promise<Account | undefined> {
  const ids = Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
  return ids.then(
    ([uid, gid]) => ({ uid: Number(uid), gid: Number(gid) }),
    () => undefined,
  )
}

/** Whether the account can enter a folder or run a program. */
export function mayReach(account: Account, path: string): Promise<boolean> {
  return run('test', ['-x', path], account).then(() => true, unless(['1'], false))
}

/** Creates a folder that all users can enter, regardless of the umask. Does not change existing folders. */
export async function makeOpenFolder(path: string): Promise<void> {
  if (await exists(path)) return
  await makeOpenFolder(dirname(path))
  await mkdir(path).catch(unless(['EEXIST'], undefined))
  await chmod(path, 0o755)
}
