import { AuthError, NetworkError } from '../../client/index.ts'

/** The server makes administrative changes one by one, so more at a time would only wait for each other. */
const AT_A_TIME = 4

export type Failure<Item> = { item: Item; error: unknown }

export type Outcome<Item> = {
  done: number
  failed: Failure<Item>[]
  /** Those that were not tried, after a stop. */
  left: Item[]
}

/**
 * Runs one operation for each item, a few at a time. A failure stops nothing, unless every further one would fail as
 * well: without a session or without a connection.
 */
export async function runBulk<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<unknown>,
  onProgress: (outcome: Omit<Outcome<Item>, 'left'>) => void,
  stop: AbortSignal,
): Promise<Outcome<Item>> {
  const queue = [...items]
  const failed: Failure<Item>[] = []
  let done = 0
  let hopeless = false
  async function work() {
    while (!stop.aborted && !hopeless) {
      const item = queue.shift()
      if (item === undefined) return
      try {
        await run(item)
        done++
      } catch (error) {
        failed.push({ item, error })
        if (isHopeless(error)) hopeless = true
      }
      onProgress({ done, failed: [...failed] })
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return { done, failed, left: queue }
}

function isHopeless(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof AuthError && error.code === 'UNAUTHENTICATED')
}
