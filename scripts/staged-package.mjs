// Stages a package that consists of one folder of src, without the server and its dependencies.
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

/**
 * Builds src/<part> into the package authograph-<part>, or `name`, in the folder of the first argument, by default
 * dist/<part>-package. `manifest` returns what its package.json has besides what all have, from the server's; `styles`
 * names files of the part that tsc does not copy, and `folders` names folders that are packed as they are.
 */
export function stage(part, manifest, { name = `authograph-${part}`, styles = [], folders = [] } = {}) {
  const folder = path.resolve(process.argv[2] ?? path.join(root, `dist/${part}-package`))
  const source = path.join(root, 'src', part)
  const server = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  execFileSync(
    path.join(root, 'node_modules/.bin/tsc'),
    ['-p', `src/${part}`, '--outDir', path.join(folder, 'dist')],
    { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' },
  )
  removeEmptyMaps(path.join(folder, 'dist'))
  for (const file of styles) copyFileSync(path.join(source, file), path.join(folder, 'dist', file))
  for (const each of folders) cpSync(path.join(source, each), path.join(folder, each), { recursive: true })
  copyFileSync(path.join(source, 'README.md'), path.join(folder, 'README.md'))
  copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'))
  const whole = {
    name,
    version: server.version,
    license: server.license,
    type: 'module',
    ...entriesOf(server, part),
    files: ['dist', ...folders],
    ...manifest(server),
  }
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(whole, null, 2)}\n`)
}

/** A module of types alone has no code that a map could lead to, and nothing loads it. */
function removeEmptyMaps(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = path.join(folder, name)
    if (file.endsWith('.js') && /^export \{\};\s*(?:\/\/#.*)?\s*$/.test(readFileSync(file, 'utf8')))
      rmSync(`${file}.map`, { force: true })
  }
}

/** `authograph/client/react` of the server's package is `authograph-client/react` in the part's. A program has none. */
function entriesOf(server, part) {
  const text = JSON.stringify(
    Object.fromEntries(
      Object.entries(server.exports)
        .filter(([entry]) => entry.startsWith(`./${part}`))
        .map(([entry, target]) => [entry.replace(`./${part}`, '.'), target]),
    ),
  )
  if (text === '{}') return {}
  return { exports: JSON.parse(text.replace(new RegExp(`\\./(?:dist|src)/${part}/`, 'g'), './dist/')) }
}
