// Stages the package `authograph-client` in a folder, by default dist/client-package: the client alone, built from
// src/client, without the server and its dependencies. `npm run pack:client` packs the folder.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const folder = path.resolve(process.argv[2] ?? path.join(root, 'dist/client-package'))
const server = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
execFileSync(
  path.join(root, 'node_modules/.bin/tsc'),
  ['-p', 'src/client', '--outDir', path.join(folder, 'dist')],
  {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  },
)
copyFileSync(path.join(root, 'src/client/styles.css'), path.join(folder, 'dist/styles.css'))
copyFileSync(path.join(root, 'src/client/README.md'), path.join(folder, 'README.md'))
copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'))
writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)

function manifest() {
  // Only the client's peers are optional: the server needs its own.
  const optional = Object.keys(server.peerDependenciesMeta)
  return {
    name: 'authograph-client',
    version: server.version,
    description: 'Sign people in with an Authograph server: in React, React Native, browsers and Node.',
    license: server.license,
    type: 'module',
    sideEffects: ['./dist/*.css'],
    exports: entries(),
    files: ['dist'],
    peerDependencies: Object.fromEntries(optional.map(name => [name, server.peerDependencies[name]])),
    peerDependenciesMeta: server.peerDependenciesMeta,
  }
}

/** `authograph/client/react` of the server's package is `authograph-client/react` here. */
function entries() {
  const text = JSON.stringify(
    Object.fromEntries(
      Object.entries(server.exports)
        .filter(([entry]) => entry.startsWith('./client'))
        .map(([entry, target]) => [entry.replace('./client', '.'), target]),
    ),
  )
  return JSON.parse(text.replace(/\.\/(?:dist|src)\/client\//g, './dist/'))
}
