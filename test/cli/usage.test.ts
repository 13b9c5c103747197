import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import { build, runCli } from '../support/cli.ts'

beforeAll(build, 120_000)

const committed = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

test('--help lists every command on standard output', async () => {
  const { exitCode, stdout, stderr } = await runCli(['--help'])
  expect([exitCode, stderr]).toEqual([0, ''])
  for (const command of [
    'create-admin',
    'import-users',
    'export-users',
    'doctor',
    'prune',
    'migrate',
    'print-schema',
  ])
    expect(stdout).toContain(`  ${command}`)
})

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(committed('package.json')) as { version: string }
  expect(await runCli(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' })
})

test.each([
  ['an unknown command', ['creat-admin'], "unknown command 'creat-admin'"],
  ['a missing option', ['create-admin'], "required option '--email <address>'"],
  ['nothing', [], 'Usage: authograph'],
])('%s fails with advice on standard error', async (_, args, advice) => {
  const { exitCode, stdout, stderr } = await runCli(args)
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr).toContain(advice)
  expect(stderr).toContain('Usage: authograph')
})

test('print-schema writes the committed schema and needs no settings', async () => {
  const { exitCode, stdout, stderr } = await runCli(['print-schema'])
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(stdout).toBe(committed('schema.graphql'))
})

test('print-schema --out writes the schema to a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'authograph-schema-'))
  try {
    const out = join(folder, 'schema.graphql')
    expect(await runCli(['print-schema', '--out', out])).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect(await readFile(out, 'utf8')).toBe(committed('schema.graphql'))
  } finally {
    await rm(folder, { recursive: true })
  }
})
