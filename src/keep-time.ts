import type { App } from './app.ts'
import { runEvery, type StopBackgroundTask } from './background-task.ts'
import { DatabaseClock } from './database/clock.ts'

const READ_INTERVAL_SECONDS = 10

/** Synchronizes the clock with the database every 10 s until stopped. */
export function startClockSync(app: App): StopBackgroundTask {
  const { clock } = app
  if (!(clock instanceof DatabaseClock)) return async () => {}
  return runEvery(app, READ_INTERVAL_SECONDS, () => clock.read(), 'could not read the time of the database')
}
