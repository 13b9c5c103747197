import type { App } from '../app.ts'
import { loadConfig } from '../config.ts'
import { readEnvironment } from '../environment.ts'
import { createLog } from '../log.ts'
import { openApp } from '../open.ts'

/**
 * Runs a command with an app configured from the environment, and always closes the app. The log goes to standard error,
 * so that standard output contains only the result.
 */
export async function withApp<Result>(run: (app: App) => Promise<Result>): Promise<Result> {
  // Commands only queue emails. The server sends them, perhaps with a function of the embedding program.
  const config = loadConfig(readEnvironment(), { sendsMail: true })
  const quiet = { ...config, logLevel: config.logLevel === 'info' ? ('warn' as const) : config.logLevel }
  const app = await openApp(quiet, { log: createLog(quiet, 2) })
  try {
    return await run(app)
  } finally {
    await app.close()
  }
}
