import type { App } from '../app.ts'
import { runEvery, type StopBackgroundTask } from '../background-task.ts'
import { remindOfRecoveries } from '../sign-in/remind-of-recoveries.ts'

const INTERVAL_SECONDS = 60

/** Starts sending the reminders that are due, every minute. Does nothing on a server that recovers no factors. */
export function startReminding(app: App): StopBackgroundTask {
  const remind = async (app: App, stopping: AbortSignal) => {
    if (app.config.factorRecoveryWaitSeconds === null || !app.mailer) return
    await remindOfRecoveries(app, stopping)
  }
  return runEvery(app, INTERVAL_SECONDS, remind, 'could not send reminders')
}
