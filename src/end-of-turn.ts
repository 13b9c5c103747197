/** How many requests continue together. Of more, the first do not wait for the last. */
const REQUESTS_MAX = 16

/**
 * How many sign-ins with providers continue together. Their statements take as many, so that each group needs one.
 */
export const SIGN_INS_MAX = 32

/** A turn in which other code of the program works can take long. After this time, no further turn is waited for. */
const GATHERING_MAX_MS = 20

type Group = { size: number; end: Promise<void> }

/**
 * Returns a function that resolves for all who call it within `turns` turns of the event loop, when these are over or
 * `max` have called. They then continue step by step, each step for all of them, so that the code of a step stays in the
 * processor's caches, and what asks the database asks together (decision 028). A turn takes time only while the server is
 * busy: a request that is alone continues immediately.
 */
export function gatherFor(turns: number, max: number): () => Promise<void> {
  let current: Group | undefined
  const newGroup = (): Group => {
    const latestMs = performance.now() + GATHERING_MAX_MS
    let turnsLeft = turns
    const group: Group = {
      size: 0,
      end: new Promise(resolve => {
        const endTurn = () => {
          turnsLeft--
          const goesOn = turnsLeft > 0 && group.size < max && performance.now() < latestMs
          if (goesOn) return void setImmediate(endTurn)
          if (current === group) current = undefined
          resolve()
        }
        setImmediate(endTurn)
      }),
    }
    return group
  }
  return () => {
    if (!current || current.size >= max) current = newGroup()
    current.size++
    return current.end
  }
}

/** Resolves after the requests that arrive in this turn of the event loop have been read. */
export const endOfTurn = gatherFor(1, REQUESTS_MAX)
