import type { App } from '../app.ts'
import { loadConfig, readEnvironment } from '../config.ts'
import { openApp } from '../open.ts'

/** Runs a command on the app that the environment describes, and lets go of it whatever happens. */
export async function withApp<Result>(run: (app: App) => Promise<Result>): Promise<Result> {
  const config = loadConfig(readEnvironment())
  const app = await openApp({ ...config, logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel })
  try {
    return await run(app)
  } finally {
    await app.close()
  }
}
