import { availableParallelism } from 'node:os'
import { expect, test } from '@jest/globals'
import { missing } from '../../src/launch.ts'

const FLAGGED = ['--max-semi-space-size=4']

test('a process on Linux lacks one malloc arena and a small young generation', () => {
  expect(missing({ HASH_CONCURRENCY: '2' }, [], 'linux')).toEqual({
    env: { MALLOC_ARENA_MAX: '1' },
    flags: FLAGGED,
  })
})

test('on other systems malloc has no such setting', () => {
  for (const platform of ['darwin', 'win32'])
    expect(missing({ HASH_CONCURRENCY: '2' }, FLAGGED, platform)).toEqual({ env: {}, flags: [] })
})

test.each([
  ['2', undefined],
  ['4', '6'],
  ['16', '18'],
])('with %s password hashes at once, libuv has threads to spare: %s', (HASH_CONCURRENCY, threads) => {
  expect(missing({ HASH_CONCURRENCY }, FLAGGED, 'darwin').env.UV_THREADPOOL_SIZE).toBe(threads)
})

test('without a setting, as many hashes as there are cores count', () => {
  const own = missing({}, FLAGGED, 'darwin')
  expect(own).toEqual(missing({ HASH_CONCURRENCY: String(availableParallelism()) }, FLAGGED, 'darwin'))
  expect(missing({ HASH_CONCURRENCY: ' ' }, FLAGGED, 'darwin')).toEqual(own)
})

test('what the operator has set stays', () => {
  const environment = {
    HASH_CONCURRENCY: '16',
    MALLOC_ARENA_MAX: '2',
    UV_THREADPOOL_SIZE: '8',
    NODE_OPTIONS: '--enable-source-maps --max_semi_space_size=16',
  }
  expect(missing(environment, [], 'linux')).toEqual({ env: {}, flags: [] })
})

test('a process that was started again lacks nothing, so it never starts in a circle', () => {
  const environment = { HASH_CONCURRENCY: '16' }
  const { env, flags } = missing(environment, [], 'linux')
  expect(missing({ ...environment, ...env }, flags, 'linux')).toEqual({ env: {}, flags: [] })
})
