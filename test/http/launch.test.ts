import { availableParallelism } from 'node:os'
import { expect, test } from '@jest/globals'
import { missing } from '../../src/launch.ts'

const FLAGGED = ['--max-semi-space-size=4']

test('a process on Linux needs one malloc arena and a small young generation', () => {
  expect(missing({ HASH_CONCURRENCY: '2' }, [], 'linux')).toEqual({
    env: { MALLOC_ARENA_MAX: '1' },
    flags: FLAGGED,
  })
})

test('other systems have no such malloc setting', () => {
  for (const platform of ['darwin', 'win32'])
    expect(missing({ HASH_CONCURRENCY: '2' }, FLAGGED, platform)).toEqual({ env: {}, flags: [] })
})

test.each([
  ['2', undefined],
  ['4', '6'],
  ['16', '18'],
])('with %s concurrent password hashes, libuv has spare threads: %s', (HASH_CONCURRENCY, threads) => {
  expect(missing({ HASH_CONCURRENCY }, FLAGGED, 'darwin').env.UV_THREADPOOL_SIZE).toBe(threads)
})

test('the default number of hashes is the number of cores', () => {
  const own = missing({}, FLAGGED, 'darwin')
  expect(own).toEqual(missing({ HASH_CONCURRENCY: String(availableParallelism()) }, FLAGGED, 'darwin'))
  expect(missing({ HASH_CONCURRENCY: ' ' }, FLAGGED, 'darwin')).toEqual(own)
})

test('values that the operator has set are kept', () => {
  const environment = {
    HASH_CONCURRENCY: '16',
    MALLOC_ARENA_MAX: '2',
    UV_THREADPOOL_SIZE: '8',
    NODE_OPTIONS: '--enable-source-maps --max_semi_space_size=16',
  }
  expect(missing(environment, [], 'linux')).toEqual({ env: {}, flags: [] })
})

test('a restarted process needs no further flags, so it can’t restart in a loop', () => {
  const environment = { HASH_CONCURRENCY: '16' }
  const { env, flags } = missing(environment, [], 'linux')
  expect(missing({ ...environment, ...env }, flags, 'linux')).toEqual({ env: {}, flags: [] })
})
