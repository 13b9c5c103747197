import { readEnvironment } from './environment.ts'
import { isWorker } from './workers/messages.ts'

/**
 * Serves until a signal ends the process, with as many processes as WORKERS says. Prints what makes it fail, and ends the
 * process.
 */
export async function serve(): Promise<void> {
  // Each way to serve is loaded alone: the first process of several needs hardly any of the service.
  try {
    const workers = readEnvironment().WORKERS?.trim() || '1'
    if (isWorker() || workers === '1') await (await import('./serve-alone.ts')).serveAlone()
    else await (await import('./serve-together.ts')).serveTogether()
  } catch (error) {
    const { explain } = await import('./explain.ts')
    process.stderr.write(`${explain(error)}\n`)
    process.exit(1)
  }
}
