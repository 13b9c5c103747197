import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { App } from '../../src/app.ts'
import { runEvery } from '../../src/background-task.ts'

const warnings: unknown[] = []
const app = { log: { warn: (facts: unknown) => warnings.push(facts) } } as unknown as App
beforeEach(() => {
  jest.useFakeTimers()
  warnings.length = 0
})
afterEach(() => void jest.useRealTimers())

test('a background task runs at intervals until it is stopped', async () => {
  const task = jest.fn(async () => {})
  const stop = runEvery(app, 10, task, 'failed')
  await jest.advanceTimersByTimeAsync(30_000)
  expect(task).toHaveBeenCalledTimes(3)
  await stop()
  await jest.advanceTimersByTimeAsync(30_000)
  expect(task).toHaveBeenCalledTimes(3)
})

test('runs of a slow background task never overlap, and stopping waits for the current one', async () => {
  let finish = () => {}
  const task = jest.fn(() => new Promise<void>(resolve => (finish = resolve)))
  const stop = runEvery(app, 10, task, 'failed')
  await jest.advanceTimersByTimeAsync(60_000)
  expect(task).toHaveBeenCalledTimes(1)
  let stopped = false
  const stopping = stop().then(() => (stopped = true))
  await jest.advanceTimersByTimeAsync(1000)
  expect(stopped).toBe(false)
  finish()
  await stopping
})

test('a failing background task is retried with increasing waits of up to a minute, and returns to its interval after a success', async () => {
  let broken = true
  const task = jest.fn(async () => {
    if (broken) throw new Error('no database')
  })
  const stop = runEvery(app, 1, task, 'failed')
  await jest.advanceTimersByTimeAsync(63_000)
  // After 1, 2, 4, 8, 16 and 32 s.
  expect(task).toHaveBeenCalledTimes(6)
  expect(warnings).toHaveLength(6)
  await jest.advanceTimersByTimeAsync(600_000)
  expect(warnings.length).toBeGreaterThanOrEqual(15)
  expect(warnings.length).toBeLessThanOrEqual(18)
  broken = false
  await jest.advanceTimersByTimeAsync(60_000)
  task.mockClear()
  await jest.advanceTimersByTimeAsync(10_000)
  expect(task).toHaveBeenCalledTimes(10)
  await stop()
})
