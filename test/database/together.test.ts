import { expect, test } from '@jest/globals'
import { together } from '../../src/database/together.ts'

function recorded(max?: number) {
  const batches: number[][] = []
  const loader = together<number, number>(async keys => {
    batches.push([...keys])
    return keys.map(key => key * 2)
  }, max)
  return { batches, loader }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

test('what is asked for in one turn is loaded together, and each gets its own answer', async () => {
  const { batches, loader } = recorded()
  await expect(Promise.all([loader.load(1), loader.load(2), loader.load(1)])).resolves.toEqual([2, 4, 2])
  expect(batches).toEqual([[1, 2, 1]])
})

test('a batch leaves as soon as it is full, and the last one at the end of the turn, each once', async () => {
  const { batches, loader } = recorded(2)
  const full = [1, 2, 3, 4].map(key => loader.load(key))
  expect(batches).toEqual([
    [1, 2],
    [3, 4],
  ])
  const answers = Promise.all([...full, loader.load(5)])
  await expect(answers).resolves.toEqual([2, 4, 6, 8, 10])
  expect(batches).toEqual([[1, 2], [3, 4], [5]])
})

test('the answer of one turn is never that of another', async () => {
  const { batches, loader } = recorded()
  await loader.load(1)
  await turn()
  await loader.load(1)
  expect(batches).toEqual([[1], [1]])
})

test('a batch that fails, fails for each of its callers and for no other', async () => {
  const loader = together<number, number>(async keys => {
    if (keys.includes(1)) throw new Error('refused')
    return [...keys]
  }, 2)
  const results = await Promise.allSettled([1, 2, 3].map(key => loader.load(key)))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})
