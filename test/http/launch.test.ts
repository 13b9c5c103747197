import { expect, test } from '@jest/globals'
import { holdYoungGeneration, missing } from '../../src/launch.ts'

const FLAGGED = ['--max-semi-space-size=8']

test('a process on Linux needs one malloc arena and a small young generation', () => {
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
    NODE_OPTIONS: '--enable-source-maps --max_semi_space_size=16',
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
