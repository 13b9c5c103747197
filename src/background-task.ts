import type { App } from './app.ts'

/** Stops a background task. Resolves when a run in progress has finished. */
export type StopBackgroundTask = () => Promise<void>

/** The default for `maxWaitSeconds`. */
const MAX_WAIT_SECONDS = 60

/**
 * Runs `task` every `seconds` until it is stopped. Runs never overlap. When a run fails, the failure is logged and the
 * wait before the next run doubles, up to `maxWaitSeconds`, so that a database outage does not fill the log. The first
 * success resets the wait. Stopping aborts the `stopping` signal, so that a long run can finish early.
 */
export function runEvery(
  app: App,
  seconds: number,
  task: (app: App, stopping: AbortSignal) => Promise<unknown>,
  failureMessage: string,
  maxWaitSeconds = MAX_WAIT_SECONDS,
): StopBackgroundTask {
  const maxIntervals = Math.ceil(maxWaitSeconds / seconds)
  let running: Promise<void> | undefined
  let failures = 0
  let intervalsToSkip = 0
  const stopping = new AbortController()

  async function run(): Promise<void> {
    try {
      await task(app, stopping.signal)
      failures = 0
    } catch (error) {
      app.log.warn({ err: error }, failureMessage)
      intervalsToSkip = Math.min(2 ** failures++, maxIntervals) - 1
    }
    running = undefined
  }

  const timer = setInterval(() => {
    if (running || intervalsToSkip-- > 0) return
    running = run()
  }, seconds * 1000).unref()
  return async () => {
    clearInterval(timer)
    stopping.abort()
    await running
  }
}
