import { availableParallelism } from 'node:os'
import { hashingCores, loadConfig } from './config.ts'
import { readEnvironment } from './environment.ts'
import { missing } from './launch.ts'
import { createLog } from './log.ts'
import { closeOnSignal } from './shutdown.ts'
import { WorkerFailed, Workers } from './workers/workers.ts'

/**
 * Serves with as many processes as WORKERS says. This one only starts, restarts and ends them. SIGHUP restarts them one
 * by one, with the settings and the code as they are then; SIGINT and SIGTERM end them.
 * @throws ConfigError when settings are invalid
 */
export async function serveTogether(): Promise<void> {
  const config = loadConfig(readEnvironment())
  const log = createLog(config)
  const count = config.workers
  const workers = new Workers({ count, log, launch: () => launchOf(count) })
  const { greeting } = await closeOnSignal(
    async aborted => {
      const close = () => workers.close()
      aborted.addEventListener('abort', () => void close())
      try {
        return { greeting: await workers.start(), close }
      } catch (error) {
        await close()
        // It has said why itself.
        if (error instanceof WorkerFailed && !aborted.aborted) process.exit(1)
        throw error
      }
    },
    (_, signal) => log.info({ signal }, 'shutting down'),
  )
  if (process.platform !== 'win32') process.on('SIGHUP', () => void workers.restart())
  process.stdout.write(greeting)
}

function launchOf(count: number) {
  const environment = readEnvironment()
  const { env, flags } = missing(environment, process.execArgv, process.platform)
  // The default is for one process.
  if (!environment.HASH_CONCURRENCY?.trim()) {
    const share = Math.floor(hashingCores(availableParallelism()) / count)
    env.HASH_CONCURRENCY = String(Math.max(share, 1))
  }
  return { env, flags }
}
