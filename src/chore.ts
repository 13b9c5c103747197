import type { App } from './app.ts'

/** Runs `task` every so often until told to stop; where it fails, the log says so and the next turn tries again. */
export function every(
  app: App,
  seconds: number,
  task: (app: App) => Promise<void>,
  failure: string,
): () => void {
  const timer = setInterval(() => {
    task(app).catch(error => app.log.warn({ err: error }, failure))
  }, seconds * 1000).unref()
  return () => clearInterval(timer)
}
