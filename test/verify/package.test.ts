import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { bin, ROOT, run, usePlace } from '../package/support.ts'
import { signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { snippetsIn } from '../support/snippets.ts'

const MODULES = path.join(ROOT, 'node_modules')
/** Of the modules and their tests, so that the package stays easy to audit. */
const MAX_LINES = 2000
/** What the modules work with. */
const SERVERS = ['@apollo/server', 'fastify', 'graphql', 'type-graphql', 'reflect-metadata', '@types/node']
const service = useService()
const place = usePlace('authograph-verify-')
const tarball = () => path.join(place(), 'authograph-verify.tgz')

/** A project with the package, its dependency and the packages `others`. */
async function project(name: string, ...others: string[]): Promise<string> {
  const folder = path.join(place(), name)
  const modules = path.join(folder, 'node_modules')
  await mkdir(path.join(modules, 'authograph-verify'), { recursive: true })
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name, type: 'module', private: true }))
  await run(modules, 'tar', '-xzf', tarball(), '-C', 'authograph-verify', '--strip-components', '1')
  for (const other of ['jose', ...others]) {
    await mkdir(path.dirname(path.join(modules, other)), { recursive: true })
    await symlink(path.join(MODULES, other), path.join(modules, other))
  }
  return folder
}

async function compile(folder: string, files: Record<string, string>, options: object): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text)
  const checks = { strict: true, skipLibCheck: true, noEmit: true, types: ['node'] }
  const compilerOptions = { ...checks, target: 'ES2023', experimentalDecorators: true, ...options }
  const config = { compilerOptions, files: Object.keys(files) }
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
  return run(folder, bin('tsc'), '-p', '.')
}

beforeAll(async () => {
  const staged = path.join(place(), 'staged')
  await run(ROOT, 'node', 'scripts/verify-package.mjs', staged)
  await run(staged, 'npm', 'pack', '--ignore-scripts')
  const packed = (await readdir(staged)).find(file => file.endsWith('.tgz'))
  await cp(path.join(staged, String(packed)), tarball())
}, 120_000)

test('publint finds no problem, and the types of every entry resolve', async () => {
  expect(await run(place(), bin('publint'), 'run', tarball(), '--strict')).toContain('All good!')
  const report = await run(place(), bin('attw'), tarball(), '--profile', 'esm-only')
  for (const entry of ['', '/apollo', '/express', '/fastify', '/type-graphql'])
    expect(report).toContain(`"authograph-verify${entry}"`)
})

test('the package has one dependency, in the version of the server', async () => {
  const file = path.join(await project('manifest'), 'node_modules/authograph-verify/package.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  const server = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    version: string
    dependencies: Record<string, string>
  }
  expect(manifest).toMatchObject({ name: 'authograph-verify', version: server.version })
  expect(manifest.dependencies).toEqual({ jose: server.dependencies.jose })
  expect(Object.keys(manifest)).toEqual(expect.not.arrayContaining(['scripts', 'bin']))
})

test('a program with jose alone verifies tokens, and guards Express and Fastify', async () => {
  const { accessToken, id } = await signUp(service)
  const folder = await project('script')
  await writeFile(
    path.join(folder, 'script.js'),
    `import { createVerifier } from 'authograph-verify'
    import { guard as express } from 'authograph-verify/express'
    import { guard as fastify } from 'authograph-verify/fastify'
    const [, , issuer, jwksUrl, token] = process.argv
    const verifier = createVerifier({ issuer, audience: 'authograph', jwksUrl })
    console.log((await verifier.verify(token)).userId, typeof express(verifier), typeof fastify(verifier))`,
  )
  const keys = `${service.url}/.well-known/jwks.json`
  const printed = await run(folder, 'node', 'script.js', 'http://localhost:4000', keys, accessToken)
  expect(printed.trim()).toBe(`${id} function function`)
})

describe.each([
  ['nodenext', { module: 'nodenext' }],
  ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
])('with %s', (name, options) => {
  test('types fit Apollo Server, Fastify and TypeGraphQL, and mistakes do not compile', async () => {
    const folder = await project(name, ...SERVERS)
    const use = `
      import { ApolloServer } from '@apollo/server'
      import { startStandaloneServer } from '@apollo/server/standalone'
      import { type Identity, createVerifier } from 'authograph-verify'
      import { type AuthContext, authContext, authPlugin, guard, stepUp } from 'authograph-verify/apollo'
      import { guard as hook, identityOf, stepUp as stepUpHook } from 'authograph-verify/fastify'
      import { authChecker } from 'authograph-verify/type-graphql'
      import Fastify from 'fastify'
      import { buildSchema } from 'type-graphql'
      const verifier = createVerifier({ issuer: '', audience: '', fetch, cachedTokens: 1 })
      type Own = AuthContext & { db: string }
      const resolvers = {
        Query: {
          me: guard(async (_: unknown, __: unknown, { identity, db }: Own) => (await identity()).userId + db),
          all: guard('a', stepUp({ strength: 'MULTI' }, (_: unknown, args: { first: number }) => args.first)),
        },
      }
      export const first: Promise<number> = resolvers.Query.all(1, { first: 1 }, authContext(verifier, new Request('')), 1)
      const server = new ApolloServer<Own>({ typeDefs: '', resolvers, plugins: [authPlugin()] })
      void startStandaloneServer(server, { context: async ({ req }) => ({ ...authContext(verifier, req), db: '' }) })
      Fastify().get('/', { preHandler: [hook(verifier, 'a'), stepUpHook({ strength: 'MULTI' })] }, async request => {
        const identity: Identity = identityOf(request)
        return identity.userId
      })
      void buildSchema({ resolvers: [class {}], authChecker })
      // @ts-expect-error The audience is missing.
      createVerifier({ issuer: '' })
      // @ts-expect-error No such strength.
      stepUpHook({ strength: 'mfa' })
      // @ts-expect-error Identities cannot be changed.
      void verifier.verify('').then(identity => { identity.userId = '' })`
    await compile(folder, { 'use.ts': use }, options)
  })
})

test('every snippet of the docs that verifies tokens compiles', async () => {
  const snippets = snippetsIn('ts').filter(({ text }) => text.includes("'authograph-verify"))
  expect(snippets.length).toBeGreaterThan(3)
  const folder = await project('snippets', ...SERVERS)
  const files = Object.fromEntries(snippets.map(({ text }, index) => [`snippet-${index}.ts`, text]))
  await compile(folder, files, { module: 'nodenext', moduleDetection: 'force' })
})

test('the package and its tests are short', async () => {
  let lines = 0
  for (const folder of ['src/verify', 'test/verify'])
    for (const file of await readdir(path.join(ROOT, folder)))
      if (file.endsWith('.ts'))
        lines += (await readFile(path.join(ROOT, folder, file), 'utf8')).split('\n').length
  expect(lines).toBeLessThan(MAX_LINES)
})
