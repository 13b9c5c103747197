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

test('a chore is done every so often until it is stopped', async () => {
  const task = jest.fn(async () => {})
  const stop = runEvery(app, 10, task, 'failed')
  await jest.advanceTimersByTimeAsync(30_000)
  expect(task).toHaveBeenCalledTimes(3)
  await stop()
  await jest.advanceTimersByTimeAsync(30_000)
  expect(task).toHaveBeenCalledTimes(3)
})

test('a chore that takes long is never done twice at once, and is waited for in the end', async () => {
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

test('a chore that fails is tried again, later each time but at least once a minute, and at once when it is well', async () => {
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
