import { expect, test } from '@jest/globals'
import { endOfTurn } from '../../src/http/end-of-turn.ts'

/** Waits for the end of the turn, then takes two steps, and notes each in `steps`. */
async function walk(name: string, steps: string[]): Promise<void> {
  await endOfTurn()
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
