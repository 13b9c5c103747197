import type { App } from './app.ts'

/** Ends a chore; resolves when its last turn is over. */
export type BackgroundTask = () => Promise<void>

/** After failures a chore waits longer and longer, up to this unless it says otherwise. */
const MAX_WAIT_SECONDS = 60

/**
 * Runs `task` every so often until told to stop, never twice at once. Where it fails, the log says so and
 * it is tried again: after twice as long each time, so that a database that is away does not fill the log.
 * `stopping` is aborted when a turn is to come to its end.
 */
export function every(
  app: App,
  seconds: number,
  task: (app: App, stopping: AbortSignal) => Promise<unknown>,
  failure: string,
  maxWaitSeconds = MAX_WAIT_SECONDS,
): BackgroundTask {
  const maxTurns = Math.ceil(maxWaitSeconds / seconds)
  let running: Promise<void> | undefined
  let failures = 0
  let turnsToWait = 0
  const stopping = new AbortController()

  async function turn(): Promise<void> {
    try {
      await task(app, stopping.signal)
      failures = 0
    } catch (error) {
      app.log.warn({ err: error }, failure)
      turnsToWait = Math.min(2 ** failures++, maxTurns) - 1
    }
    running = undefined
  }

  const timer = setInterval(() => {
    if (running || turnsToWait-- > 0) return
    running = turn()
  }, seconds * 1000).unref()
  return async () => {
    clearInterval(timer)
    stopping.abort()
    await running
  }
}
