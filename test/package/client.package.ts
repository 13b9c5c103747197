import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { snippetsIn } from '../support/snippets.ts'
import { bin, INSTALL_TIMEOUT_MS, pack, run, usePlace } from './support.ts'

/**
 * Visitors download the client before they can sign in. Before sessions were bound to keys, it had 7.31 kB. It may grow by
 * 1.5, and by 10 bytes that builds differ by.
 */
const MAX_WEIGHT_KB = 7.31 + 1.5 + 0.01
/** On disk, with types and source maps. The server's package needs several hundred times as much. */
const MAX_INSTALLED_KB = 900

const place = usePlace('authograph-client-install-')
let tarball: string
let folder: string

beforeAll(async () => {
  await pack('client', place())
  const packed = (await readdir(place())).find(file => file.endsWith('.tgz'))
  tarball = path.join(place(), String(packed))
  folder = path.join(place(), 'empty')
  await mkdir(folder)
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await run(folder, 'npm', 'install', '--no-audit', '--no-fund', tarball)
}, INSTALL_TIMEOUT_MS)

describe('npm install authograph-client in an empty project', () => {
  test('installs one small package and no other', async () => {
    expect((await readdir(path.join(folder, 'node_modules'))).filter(name => !name.startsWith('.'))).toEqual([
      'authograph-client',
    ])
    const files = await readdir(path.join(folder, 'node_modules'), { recursive: true })
    const sizes = await Promise.all(
      files.map(async file => {
        const facts = await stat(path.join(folder, 'node_modules', file))
        return facts.isFile() ? facts.size : 0
      }),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThan(MAX_INSTALLED_KB)
  })

  test('gives a program that runs', async () => {
    const program = `
      import { createAuthClient } from 'authograph-client'
      const client = createAuthClient({ url: 'http://localhost:9/graphql' })
      console.log(await client.restore(), client.state.status)`
    await writeFile(path.join(folder, 'program.mjs'), program)
    expect(await run(folder, 'node', 'program.mjs')).toBe('null signedOut\n')
  })

  test.each([
    ['nodenext', { module: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('gives types that tsc checks without another package: %s', async (_name, options) => {
    const use = `
      import { type AuthState, createAuthClient } from 'authograph-client'
      const client = createAuthClient({ url: '' })
      export const state: AuthState = client.state
      // @ts-expect-error The name is missing.
      void client.login({ password: '' })`
    await writeFile(path.join(folder, 'use.ts'), use)
    const lib = ['ES2022', 'DOM', 'DOM.Iterable']
    const compilerOptions = { strict: true, noEmit: true, target: 'ES2022', lib, types: [], ...options }
    await writeFile(
      path.join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['use.ts'] }),
    )
    await run(folder, bin('tsc'), '-p', '.')
  })

  test('adds less than 8.9 kB to a page', async () => {
    const use = `import { createAuthClient } from 'authograph-client'
      globalThis.client = createAuthClient({ url: '/graphql' })`
    await writeFile(path.join(folder, 'page.js'), use)
    await run(folder, bin('rolldown'), 'page.js', '--minify', '--dir', 'bundle')
    const page = await readFile(path.join(folder, 'bundle/page.js'))
    expect(gzipSync(page).length / 1000).toBeLessThan(MAX_WEIGHT_KB)
  })
})

/** Without their peers: no test needs the whole of Expo and React Native. */
const NATIVE_MODULES = [
  'expo-apple-authentication@57.0.2',
  'expo-crypto@57.0.3',
  'expo-secure-store@57.0.4',
  'expo-web-browser@57.0.3',
  'react-native-device-crypto@0.1.7',
  'react-native-quick-crypto@1.1.7',
]

test(
  'every snippet of the docs for Expo compiles against the modules themselves',
  async () => {
    const shown = snippetsIn('ts', 'tsx').filter(({ text }) => / from '(?:expo|react-native)-/.test(text))
    expect(shown.length).toBeGreaterThan(3)
    const native = path.join(place(), 'native')
    await mkdir(native)
    await writeFile(path.join(native, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps']
    await run(native, 'npm', 'install', ...flags, tarball, ...NATIVE_MODULES)
    const files = shown.map((_snippet, index) => `snippet-${index}.ts`)
    for (const [index, { text }] of shown.entries())
      await writeFile(path.join(native, String(files[index])), text)
    // One of their declarations names types of the peers, which is what skipLibCheck leaves out.
    const checks = { strict: true, noEmit: true, skipLibCheck: true, types: [], moduleDetection: 'force' }
    const lib = ['ES2022', 'DOM', 'DOM.Iterable']
    const compilerOptions = {
      ...checks,
      target: 'ES2022',
      lib,
      module: 'esnext',
      moduleResolution: 'bundler',
    }
    await writeFile(path.join(native, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    await run(native, bin('tsc'), '-p', '.')
  },
  INSTALL_TIMEOUT_MS,
)

test('publint finds no problem in the packed file', async () => {
  expect(await run(place(), bin('publint'), 'run', tarball, '--strict')).toContain('All good!')
})
