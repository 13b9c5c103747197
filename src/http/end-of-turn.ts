/** How many continue together. In a turn with more, the first do not wait for the last. */
const TOGETHER_MAX = 16

type Group = { size: number; end: Promise<void> }

let current: Group | undefined

/**
 * Resolves after the requests that arrive in this turn of the event loop have been read. They then continue step by step,
 * each step for all of them, so that the code of a step stays in the processor's caches, and what asks the database asks
 * together (decision 028).
 */
export function endOfTurn(): Promise<void> {
  if (!current || current.size >= TOGETHER_MAX) current = newGroup()
  current.size++
  return current.end
}

function newGroup(): Group {
  const group: Group = {
    size: 0,
    end: new Promise(resolve => {
      setImmediate(() => {
        if (current === group) current = undefined
        resolve()
      })
    }),
  }
  return group
}
