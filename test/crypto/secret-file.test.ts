import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { transformFile } from '@swc/core'
import { readOrCreateSecret } from '../../src/crypto/secret-file.ts'

const SOURCE = new URL('../../src/crypto/secret-file.ts', import.meta.url).pathname

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authograph-secret-'))
  file = join(folder, 'data', 'secret')
})
afterEach(() => rm(folder, { recursive: true }))

test('the first start creates a secret of 256 bits, and the second start reads it', () => {
  const secret = readOrCreateSecret(file)
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
  expect(readOrCreateSecret(file)).toBe(secret)
})

test('only its owner can read the file, and no temporary file remains', async () => {
  readOrCreateSecret(file)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(folder, 'data'))).toEqual(['secret'])
})

test('two folders have different secrets', () => {
  expect(readOrCreateSecret(file)).not.toBe(readOrCreateSecret(`${file}-2`))
})

test('a secret written by the operator is read without its line feed', async () => {
  const own = 'chosen by the owner, and long enough'
  await mkdir(join(folder, 'data'))
  await writeFile(file, `${own}\n`)
  expect(readOrCreateSecret(file)).toBe(own)
})

test.each(['', '\n', 'too short'])('a file that contains %j is refused', async content => {
  await mkdir(join(folder, 'data'))
  await writeFile(file, content)
  expect(() => readOrCreateSecret(file)).toThrow(/32 characters/)
})

test('an unreadable file is reported and not replaced', async () => {
  await mkdir(file, { recursive: true })
  expect(() => readOrCreateSecret(file)).toThrow(/EISDIR/)
})

test('processes that start at the same time agree on one secret', async () => {
  const { code } = await transformFile(SOURCE, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
  })
  const script = join(folder, 'secret-file.mjs')
  const startAt = Date.now() + 600
  await writeFile(
    script,
    `${code}; while (Date.now() < ${startAt}); process.stdout.write(readOrCreateSecret(process.argv[2]))`,
  )
  const run = promisify(execFile)
  const starts = Array.from({ length: 6 }, () => run(process.execPath, [script, file]))
  const secrets = (await Promise.all(starts)).map(({ stdout }) => stdout)
  expect(new Set(secrets)).toEqual(new Set([readOrCreateSecret(file)]))
  expect(await readdir(join(folder, 'data'))).toEqual(['secret'])
})
