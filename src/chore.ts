import type { App } from './app.ts'

/** Ends a chore; resolves when its last turn is over. */
export type Chore = () => Promise<void>

/**
 * Runs `task` every so often until told to stop, never twice at once; where it fails, the log says so and
 * the next turn tries again.
 */
export function every(
  app: App,
  seconds: number,
  task: (app: App) => Promise<unknown>,
  failure: string,
): Chore {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= task(app)
      .catch(error => app.log.warn({ err: error }, failure))
      .then(() => {
        running = undefined
      })
  }, seconds * 1000).unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
