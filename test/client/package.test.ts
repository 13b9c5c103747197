import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { PASSWORD, signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { type Snippet, snippetsIn } from '../support/snippets.ts'
import { inBareRealm } from './bare.ts'
import { EXPIRY_SECONDS } from './support.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const MODULES = path.join(ROOT, 'node_modules')
/**
 * Visitors download the client before they can sign in. Before sessions were bound to keys, it had 7.31 kB. It may grow by
 * 1.5, and by 10 bytes that builds differ by.
 */
const MAX_WEIGHT_KB = 7.31 + 1.5 + 0.01
const service = useService()

const place = await mkdtemp(path.join(os.tmpdir(), 'authograph-package-'))
/** The packages with the client: the server's, and the one without the server. */
const PACKAGES = ['authograph', 'authograph-client'] as const
const ENTRIES = ['admin', 'apollo', 'passkeys', 'react', 'server', 'urql']
const NO_TYPES = [
  '--exclude-entrypoints',
  'styles.css',
  'client/styles.css',
  'schema.graphql',
  'package.json',
]
const tarballOf = (name: (typeof PACKAGES)[number]) => path.join(place, `${name}.tgz`)
afterAll(() => rm(place, { recursive: true }))

/** Returns the command's output. If the command fails, the error contains it. */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  try {
    // Jest's options would break the command.
    const env = { ...process.env, NODE_OPTIONS: '' }
    const { stdout } = await promisify(execFile)(command, args, { cwd, env })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`)
  }
}

const bin = (name: string) => path.join(MODULES, '.bin', name)

/** A project with both packages installed as npm would, and with the packages `others`. */
async function project(name: string, ...others: string[]): Promise<string> {
  const folder = path.join(place, name)
  const modules = path.join(folder, 'node_modules')
  await mkdir(modules, { recursive: true })
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name, type: 'module', private: true }))
  for (const installed of PACKAGES) {
    await mkdir(path.join(modules, installed))
    const into = ['-C', path.join(modules, installed), '--strip-components', '1']
    await run(folder, 'tar', '-xzf', tarballOf(installed), ...into)
  }
  for (const other of others) {
    await mkdir(path.dirname(path.join(modules, other)), { recursive: true })
    await symlink(path.join(MODULES, other), path.join(modules, other))
  }
  return folder
}

/** Writes the files and compiles them. */
async function compile(folder: string, files: Record<string, string>, options: object): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'ES2022',
    jsx: 'react-jsx',
    types: [],
    ...options,
  }
  await writeFile(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: Object.keys(files) }),
  )
  return run(folder, bin('tsc'), '-p', '.')
}

beforeAll(async () => {
  const source = path.join(place, 'source')
  await mkdir(source)
  for (const file of [
    'package.json',
    'LICENSE',
    'README.md',
    'schema.graphql',
    'prisma',
    '.env.example',
    'src/client/styles.css',
  ])
    await cp(path.join(ROOT, file), path.join(source, file), { recursive: true })
  const dist = path.join(source, 'dist')
  await run(ROOT, bin('tsc'), '--outDir', dist)
  await run(ROOT, bin('tsc'), '-p', 'src/client', '--outDir', path.join(dist, 'client'))
  const staged = path.join(place, 'staged')
  await run(ROOT, 'node', 'scripts/client-package.mjs', staged)
  for (const [name, folder] of [
    ['authograph', source],
    ['authograph-client', staged],
  ] as const) {
    const packed = JSON.parse(await run(folder, 'npm', 'pack', '--json', '--ignore-scripts')) as [
      { filename: string },
    ]
    await cp(path.join(folder, packed[0].filename), tarballOf(name))
  }
}, 120_000)

test.each(PACKAGES)('publint finds no problem in %s', async name => {
  expect(await run(place, bin('publint'), 'run', tarballOf(name), '--strict')).toContain('All good!')
})

test.each([
  ['authograph', 'authograph/client'],
  ['authograph-client', 'authograph-client'],
] as const)('the types of %s resolve with every way of resolving ES modules', async (name, main) => {
  // attw exits with an error if types do not resolve. It prints problems outside the profile, too.
  const report = await run(place, bin('attw'), tarballOf(name), '--profile', 'esm-only', ...NO_TYPES)
  for (const entry of [main, ...ENTRIES.map(entry => `${main}/${entry}`)])
    expect(report).toContain(`"${entry}"`)
})

test('authograph-client has the same client as authograph/client, no dependency and no other program', async () => {
  const modules = path.join(await project('same'), 'node_modules')
  const manifest = JSON.parse(
    await readFile(path.join(modules, 'authograph-client/package.json'), 'utf8'),
  ) as Record<string, unknown>
  const server = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(manifest).toMatchObject({ name: 'authograph-client', version: server.version })
  expect(Object.keys(manifest)).toEqual(expect.not.arrayContaining(['dependencies', 'scripts', 'bin']))
  expect((await readdir(path.join(modules, 'authograph-client'))).sort()).toEqual([
    'LICENSE',
    'README.md',
    'dist',
    'package.json',
  ])
  const code = async (folder: string) => {
    const files = (await readdir(folder, { recursive: true })).filter(file => /\.(?:js|d\.ts)$/.test(file))
    return Promise.all(
      files.sort().map(async file => [file, await readFile(path.join(folder, file), 'utf8')] as const),
    )
  }
  const client = await code(path.join(modules, 'authograph-client/dist'))
  expect(client.length).toBeGreaterThan(30)
  expect(client).toEqual(await code(path.join(modules, 'authograph/dist/client')))
})

describe('in an empty project', () => {
  test('the client runs without any other package', async () => {
    const { email, id } = await signUp(service)
    const folder = await project('script')
    await writeFile(
      path.join(folder, 'script.js'),
      `import { createAuthClient } from 'authograph-client'
      const client = createAuthClient({ url: process.argv[2] })
      await client.login({ identifier: process.argv[3], password: process.argv[4] })
      const { me } = await client.request('{ me { id } }')
      await client.logout()
      console.log(me.id, client.state.status)`,
    )
    const printed = await run(folder, 'node', 'script.js', `${service.url}/graphql`, email, PASSWORD)
    expect(printed.trim()).toBe(`${id} signedOut`)
  })

  test.each([
    ['nodenext', { module: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('the client’s types compile without any other package: %s', async (name, options) => {
    const folder = await project(name)
    const use = `
      import { type AuthError, createAuthClient, type TypedDocument } from 'authograph-client'
      declare const document: TypedDocument<{ user: { id: string } }, { id: string }>
      const client = createAuthClient({ url: '' })
      export const id: string = (await client.request(document, { id: '1' })).user.id
      export const code = (error: AuthError): 'INVALID_CREDENTIALS' | undefined =>
        error.code === 'INVALID_CREDENTIALS' ? error.code : undefined
      // @ts-expect-error The variables are missing.
      client.request(document)
      // @ts-expect-error No such code.
      export const wrong = (error: AuthError) => error.code === 'INVALID'
      // @ts-expect-error The transport is the client’s to choose.
      client.login({ identifier: '', password: '', tokenTransport: 'BODY' })`
    const lib = ['ES2022', 'DOM', 'DOM.Iterable']
    await compile(folder, { 'use.ts': use }, { ...options, lib, skipLibCheck: false })
  })

  test('every source map contains its source', async () => {
    const dist = path.join(await project('maps'), 'node_modules/authograph/dist')
    const files = await readdir(dist, { recursive: true })
    const maps = files.filter(file => file.endsWith('.js.map'))
    expect(maps.length).toBeGreaterThan(50)
    for (const file of maps) {
      const { sources, sourcesContent } = JSON.parse(await readFile(path.join(dist, file), 'utf8'))
      expect([file, sourcesContent?.length]).toEqual([file, sources.length])
    }
  })

  test('the client imports nothing of the server', async () => {
    const folder = await project('closure')
    const dist = path.join(folder, 'node_modules/authograph/dist/client')
    const seen = new Set<string>()
    const visit = async (file: string) => {
      if (seen.has(file)) return
      seen.add(file)
      const text = await readFile(path.join(dist, file), 'utf8')
      for (const [, from = ''] of text.matchAll(/(?:from |import\()'([^']+)'/g)) {
        expect(from).toMatch(/^\.\/[\w-]+\.js$/)
        await visit(from)
      }
    }
    await visit('index.js')
    expect(seen.size).toBeGreaterThan(5)
  })
})

test('the client has the size in docs/client.md, and an unused import adds nothing', async () => {
  const folder = await project('weight')
  const weigh = async (use: string) => {
    await writeFile(
      path.join(folder, 'use.js'),
      `import { createAuthClient } from 'authograph-client'\n${use}`,
    )
    await run(folder, bin('rolldown'), 'use.js', '--minify', '--dir', 'bundle')
    return gzipSync(await readFile(path.join(folder, 'bundle/use.js'))).length / 1000
  }
  const page = await readFile(path.join(ROOT, 'docs/client.md'), 'utf8')
  const [, said] = /adds ([\d.]+) kB \(compressed\) to your bundle/.exec(page) ?? []
  const weight = await weigh('globalThis.client = createAuthClient({ url: "/graphql" })')
  expect(Math.abs(weight - Number(said))).toBeLessThan(0.3)
  expect(weight).toBeLessThan(MAX_WEIGHT_KB)
  expect(await weigh('')).toBeLessThan(0.1)
})

test('the built client runs without browser APIs, as in React Native', async () => {
  const { email, id } = await signUp(service)
  const folder = await project('bare')
  const { AuthError, createAuthClient } = await inBareRealm(
    path.join(folder, 'node_modules/authograph/dist/client/index.js'),
  )
  // The storage from docs/client.md, with a slow SecureStore.
  const kept = new Map<string, string>()
  const slowly = () => new Promise(resolve => setTimeout(resolve, 5))
  const make = () =>
    createAuthClient({
      url: `${service.url}/graphql`,
      transport: 'body',
      storage: {
        get: () => slowly().then(() => kept.get('authograph') ?? null),
        set: token => slowly().then(() => void kept.set('authograph', token)),
        remove: () => slowly().then(() => void kept.delete('authograph')),
      },
    })
  const client = make()
  expect(await client.restore()).toBeNull()
  const refused = await client
    .login({ identifier: email, password: 'wrong' })
    .catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(AuthError)
  expect(refused).toMatchObject({ code: 'INVALID_CREDENTIALS' })
  await client.login({ identifier: email, password: PASSWORD })

  const first = await client.getAccessToken()
  service.clock.advance(EXPIRY_SECONDS)
  const ask = () => client.request<{ me: { id: string } }>('{ me { id } }')
  const answers = await Promise.all(Array.from({ length: 50 }, ask))
  expect(new Set(answers.map(({ me }) => me.id))).toEqual(new Set([id]))
  expect(await client.getAccessToken()).not.toBe(first)
  expect(kept.get('authograph')).toMatch(/\.1\./)
  expect((await client.fetch(`${service.url}/healthz`)).status).toBe(200)

  // The application restarts, and the user signs out.
  const again = make()
  expect(await again.restore()).toMatchObject({ id })
  await again.logout()
  expect(kept.size).toBe(0)

  // Refusing to renew another user's token requires reading tokens without `atob`.
  const other = await signUp(service)
  await client.login({ identifier: email, password: PASSWORD })
  const hers = String(await client.getAccessToken())
  await client.login({ identifier: other.email, password: PASSWORD })
  expect(await client.renewAccessToken(hers)).toBeNull()
})

const usesClient = ({ text }: Snippet) => text.includes("'authograph-client")
/** Those compile in test/verify/package.test.ts. */
const verifies = ({ text }: Snippet) => text.includes("'authograph-verify")

test('every snippet of the docs that extends the server compiles', async () => {
  const all = snippetsIn('ts', 'tsx').filter(snippet => !usesClient(snippet) && !verifies(snippet))
  expect(all.length).toBeGreaterThan(3)
  const files: Record<string, string> = {
    'invoices.ts': 'export const payInvoiceOf = async (id: string) => id !== ""',
    'note-store.ts': [
      'export const findNote = async (id: string) => ({ id })',
      'export const countNotes = async (userIds: readonly string[]) => userIds.map(() => 0)',
      'export const latestNotes = async (count: number) => Array.from({ length: count }, String)',
      'export const search = async (): Promise<string | null> => null',
    ].join('\n'),
    'tenants.ts': 'export const tenantOf = async (id: string) => id',
    'globals.d.ts': "declare const expect: typeof import('@jest/globals').expect",
  }
  for (const [index, { text }] of all.entries())
    files[text.includes('export class NotesResolver') ? 'notes.ts' : `snippet-${index}.ts`] = text
  const folder = await project(
    'extension',
    ...['type-graphql', 'graphql', 'reflect-metadata', '@types/node', '@jest/globals'],
    ...['dataloader', 'graphql-sse', '@graphql-yoga/subscription', 'standardwebhooks', 'zod'],
  )
  await compile(folder, files, {
    module: 'nodenext',
    moduleDetection: 'force',
    experimentalDecorators: true,
    allowImportingTsExtensions: true,
    types: ['node'],
    skipLibCheck: true,
  })
})

test('every snippet of the docs that uses the client compiles', async () => {
  const all = snippetsIn('ts', 'tsx').filter(usesClient)
  expect(all.filter(({ page }) => page === 'docs/client.md').length).toBeGreaterThan(8)
  const files: Record<string, string> = {
    // As Vite, Next.js and others declare it.
    'css.d.ts': `declare module '*.css' {}`,
    'expo.d.ts': `declare module 'expo-secure-store' {
      export function getItemAsync(key: string): Promise<string | null>
      export function setItemAsync(key: string, value: string): Promise<void>
      export function deleteItemAsync(key: string): Promise<void>
    }
    declare module 'react-native-quick-crypto' {
      export function install(): void
    }
    declare module 'react-native-device-crypto' {
      export enum AccessLevel { ALWAYS, UNLOCKED_DEVICE, AUTHENTICATION_REQUIRED }
      export enum KeyTypes { ASYMMETRIC, SYMMETRIC }
      type Texts = { biometryTitle: string; biometrySubTitle: string; biometryDescription: string }
      const DeviceCrypto: {
        getOrCreateAsymmetricKey(
          alias: string, options: { accessLevel: AccessLevel; invalidateOnNewBiometry?: boolean },
        ): Promise<string>
        deleteKey(alias: string): Promise<boolean>
        getPublicKey(alias: string): Promise<string>
        sign(alias: string, plainText: string, options: Texts): Promise<string>
        isKeyExists(alias: string, keyType: KeyTypes): Promise<boolean>
      }
      export default DeviceCrypto
    }
    declare module 'node:fs/promises' {
      export function readFile(path: string, encoding: 'utf8'): Promise<string>
      export function writeFile(path: string, text: string, options: { mode: number }): Promise<void>
      export function rm(path: string, options: { force: boolean }): Promise<void>
    }
    declare module 'expo-web-browser' {
      type Closed = { type: 'cancel' | 'dismiss' | 'opened' | 'locked' }
      type Back = { type: 'success'; url: string }
      export function openAuthSessionAsync(url: string, redirectUrl?: string | null): Promise<Closed | Back>
    }
    declare module 'expo-crypto' {
      export enum CryptoDigestAlgorithm { SHA256 = 'SHA-256' }
      export enum CryptoEncoding { HEX = 'hex', BASE64 = 'base64' }
      export function getRandomBytes(byteCount: number): Uint8Array
      export function digestStringAsync(
        algorithm: CryptoDigestAlgorithm, data: string, options?: { encoding: CryptoEncoding },
      ): Promise<string>
    }
    declare module 'expo-apple-authentication' {
      export function signInAsync(options?: { nonce?: string }): Promise<{
        identityToken: string | null
        authorizationCode: string | null
        fullName: { givenName: string | null; familyName: string | null } | null
      }>
    }`,
  }
  for (const [index, { language, text }] of all.entries()) {
    const name = text.includes('export const SignIn =') ? 'sign-in' : `snippet-${index}`
    files[`${name}.${language}`] = text
  }
  expect(Object.keys(files)).toContain('sign-in.tsx')
  const folder = await project(
    'snippets',
    ...['react', '@types/react', '@apollo/client', 'graphql', 'rxjs', '@urql/core', 'wonka'],
    '@simplewebauthn/browser',
  )
  const lib = ['ES2022', 'DOM', 'DOM.Iterable']
  const options = { module: 'esnext', moduleResolution: 'bundler', moduleDetection: 'force', lib }
  await compile(folder, files, { ...options, skipLibCheck: true, noUnusedLocals: false })
})

test('the snippet of docs/passkeys.md compiles', async () => {
  const [snippet, ...others] = snippetsIn('js').filter(({ page }) => page === 'docs/passkeys.md')
  expect(others).toEqual([])
  const files = {
    'snippet.js': String(snippet?.text),
    'globals.d.ts': `
      declare const data: {
        beginPasskeyLogin: { ticket: string; options: PublicKeyCredentialRequestOptionsJSON }
      }
      interface CredentialsContainer { get(options: CredentialRequestOptions): Promise<PublicKeyCredential> }`,
  }
  const options = { module: 'esnext', moduleResolution: 'bundler', moduleDetection: 'force' }
  const checked = { ...options, allowJs: true, checkJs: true, lib: ['ES2022', 'DOM'] }
  await compile(await project('passkey-snippet'), files, checked)
})
