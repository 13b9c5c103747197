// Stages the package `authograph-verify` in a folder, by default dist/verify-package: what other servers need to verify
// access tokens, built from src/verify, without the server and its dependencies. `npm run pack:verify` packs the folder.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const folder = path.resolve(process.argv[2] ?? path.join(root, 'dist/verify-package'))
const server = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
execFileSync(
  path.join(root, 'node_modules/.bin/tsc'),
  ['-p', 'src/verify', '--outDir', path.join(folder, 'dist')],
  {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  },
)
copyFileSync(path.join(root, 'src/verify/README.md'), path.join(folder, 'README.md'))
copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'))
writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)

function manifest() {
  return {
    name: 'authograph-verify',
    version: server.version,
    description:
      'Verify the access tokens of an Authograph server: in Express, Fastify, NestJS, Apollo and TypeGraphQL.',
    license: server.license,
    type: 'module',
    engines: server.engines,
    sideEffects: false,
    exports: entries(),
    files: ['dist'],
    dependencies: { jose: server.dependencies.jose },
    // Only for the entries `apollo` and `type-graphql`.
    peerDependencies: { graphql: server.peerDependencies.graphql },
    peerDependenciesMeta: { graphql: { optional: true } },
  }
}

/** `authograph/verify/express` of the server's package is `authograph-verify/express` here. */
function entries() {
  const text = JSON.stringify(
    Object.fromEntries(
      Object.entries(server.exports)
        .filter(([entry]) => entry.startsWith('./verify'))
        .map(([entry, target]) => [entry.replace('./verify', '.'), target]),
    ),
  )
  return JSON.parse(text.replace(/\.\/dist\/verify\//g, './dist/'))
}
