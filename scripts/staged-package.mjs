// Stages a package that consists of one folder of src, without the server and its dependencies.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

/**
 * Builds src/<part> into the package authograph-<part> in the folder of the first argument, by default
 * dist/<part>-package. `manifest` returns what its package.json has besides what all have, from the server's; `styles`
 * names files of the part that tsc does not copy.
 */
export function stage(part, manifest, { styles = [] } = {}) {
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
  for (const file of styles) copyFileSync(path.join(source, file), path.join(folder, 'dist', file))
  copyFileSync(path.join(source, 'README.md'), path.join(folder, 'README.md'))
  copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'))
  const whole = {
    name: `authograph-${part}`,
    version: server.version,
    license: server.license,
    type: 'module',
    exports: entriesOf(server, part),
    files: ['dist'],
    ...manifest(server),
  }
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(whole, null, 2)}\n`)
}

/** `authograph/client/react` of the server's package is `authograph-client/react` in the part's. */
function entriesOf(server, part) {
  const text = JSON.stringify(
    Object.fromEntries(
      Object.entries(server.exports)
        .filter(([entry]) => entry.startsWith(`./${part}`))
        .map(([entry, target]) => [entry.replace(`./${part}`, '.'), target]),
    ),
  )
  return JSON.parse(text.replace(new RegExp(`\\./(?:dist|src)/${part}/`, 'g'), './dist/'))
}
