import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { holdYoungGeneration, missing } from '../../src/launch.ts'

const FLAGGED = ['--max-semi-space-size=16']

test('a process on Linux needs one malloc arena and a limited young generation', () => {
  expect(missing({}, [], 'linux')).toEqual({
    env: { MALLOC_ARENA_MAX: '1' },
    flags: FLAGGED,
  })
})

test('other systems have no such malloc setting', () => {
  for (const platform of ['darwin', 'win32'])
    expect(missing({}, FLAGGED, platform)).toEqual({ env: {}, flags: [] })
})

test('values that the operator has set are kept', () => {
  const environment = {
    MALLOC_ARENA_MAX: '2',
    NODE_OPTIONS: '--enable-source-maps --max_semi_space_size=64',
  }
  expect(missing(environment, [], 'linux')).toEqual({ env: {}, flags: [] })
})

test('a restarted process needs no further flags, so it can’t restart in a loop', () => {
  const { env, flags } = missing({}, [], 'linux')
  expect(missing(env, flags, 'linux')).toEqual({ env: {}, flags: [] })
})

test('the young generation grows only after the start, and as the operator has set it', () => {
  const set: string[] = []
  const grow = holdYoungGeneration(FLAGGED, flag => set.push(flag))
  expect(set).toEqual(['--semi-space-growth-factor=1'])
  grow()
  expect(set).toEqual(['--semi-space-growth-factor=1', '--semi-space-growth-factor=2'])
  holdYoungGeneration(['--semi_space_growth_factor=4'], flag => set.push(flag))()
  expect(set).toHaveLength(2)
})

test('a start uses the code that the build compiled, and compiles what it can’t use', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'))
  try {
    copyFileSync(
      path.resolve(import.meta.dirname, '../../scripts/bundle/load.cjs'),
      path.join(folder, 'load.cjs'),
    )
    const part = (name: string, body: string) =>
      writeFileSync(
        path.join(folder, name),
        `(function (exports, require, __filename, __dirname, importModule) {${body}\n})`,
      )
    part(
      'entry.cjs',
      `exports.answer = async () => [require('./part.cjs').half() * 2, (await importModule('node:path')).sep]`,
    )
    part('part.cjs', `exports.half = () => 21`)
    const run = (script: string, ...flags: string[]) =>
      JSON.parse(
        execFileSync(
          process.execPath,
          [
            ...flags,
            '-e',
            `(async () => console.log(JSON.stringify(await (${script})(require('./load.cjs')))))()`,
          ],
          { cwd: folder, encoding: 'utf8', env: {} },
        ),
      )
    const start = `async bundle => [...(await bundle.load('entry.cjs').answer()), ...bundle.compiled]`
    const result = [42, path.sep]
    expect(run(start)).toEqual(result)
    run(`bundle => bundle.keepCode(() => bundle.load('entry.cjs').answer()).then(() => null)`)
    expect(run(start)).toEqual([...result, 'entry.cjs', 'part.cjs'])
    // Another flag than when the code was compiled.
    expect(run(start, '--max-lazy')).toEqual(result)

    const [compiled = ''] = readdirSync(folder).filter(name => name.startsWith('compiled-'))
    const file = path.join(folder, compiled, 'part.cjs')
    writeFileSync(file, readFileSync(file).subarray(0, 40))
    expect(run(start)).toEqual([...result, 'entry.cjs'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
