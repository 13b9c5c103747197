import { expect, test } from '@jest/globals'
import { endOfTurn, gatherFor } from '../src/end-of-turn.ts'

/** Waits for the end of the turn, then takes two steps, and notes each in `steps`. */
async function walk(name: string, steps: string[], gathered = endOfTurn): Promise<void> {
  await gathered()
  steps.push(`${name}1`)
  await undefined
  steps.push(`${name}2`)
}

test('requests of one turn take each step together, in the order in which they came', async () => {
  const steps: string[] = []
  await Promise.all([walk('a', steps), walk('b', steps)])
  expect(steps).toEqual(['a1', 'b1', 'a2', 'b2'])
})

test('a request waits for what is read in its turn, and not for the next turn', async () => {
  const steps: string[] = []
  const first = walk('a', steps)
  const later = new Promise<void>(resolve => {
    setImmediate(() => void walk('b', steps).then(resolve))
  })
  await Promise.all([first, later])
  expect(steps).toEqual(['a1', 'a2', 'b1', 'b2'])
})

test('of many requests in one turn, the first do not wait for all', async () => {
  const steps: string[] = []
  const names = Array.from({ length: 100 }, (_, index) => `${index}/`)
  await Promise.all(names.map(name => walk(name, steps)))
  expect(steps).toHaveLength(200)
  expect(steps.indexOf('0/2')).toBeLessThan(steps.indexOf('99/1'))
})

const nextTurn = () => new Promise<void>(resolve => setImmediate(resolve))

test('what comes within several turns continues together, if it may wait for them', async () => {
  const steps: string[] = []
  const gathered = gatherFor(4, 16)
  const first = walk('a', steps, gathered)
  await nextTurn()
  await nextTurn()
  const second = walk('b', steps, gathered)
  expect(steps).toEqual([])
  await Promise.all([first, second])
  expect(steps).toEqual(['a1', 'b1', 'a2', 'b2'])
})

test('as soon as there are many, they wait for no further turn', async () => {
  const steps: string[] = []
  const gathered = gatherFor(1_000_000, 16)
  const names = Array.from({ length: 16 }, (_, index) => `${index}/`)
  const all = Promise.all(names.map(name => walk(name, steps, gathered)))
  await nextTurn()
  await nextTurn()
  expect(steps).toHaveLength(32)
  await all
})

test('where turns take long, what has come continues after 20 milliseconds', async () => {
  const steps: string[] = []
  const first = walk('a', steps, gatherFor(1_000_000, 16))
  for (let turn = 0; turn < 4; turn++) {
    await nextTurn()
    const end = performance.now() + 10
    while (performance.now() < end);
  }
  await nextTurn()
  expect(steps).toEqual(['a1', 'a2'])
  await first
})
