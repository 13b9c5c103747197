import type { App } from './app.ts'
import { runEvery, type StopBackgroundTask } from './background-task.ts'
import { DatabaseClock } from './database/clock.ts'

const READ_INTERVAL_SECONDS = 10

/** Keeps the clock in step with the database, again and again until told to stop. */
export function startClockSync(app: App): StopBackgroundTask {
  const { clock } = app
  if (!(clock instanceof DatabaseClock)) return async () => {}
  return runEvery(
    app,
    READ_INTERVAL_SECONDS,
    () => clock.read(),
    'the time of the database could not be read',
  )
}
