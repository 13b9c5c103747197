import type { App } from './app.ts'
import { assemble } from './authograph.ts'
import { listen } from './http/listen.ts'
import { configOf, type ServerOptions } from './options.ts'
import { closeOnSignal } from './shutdown.ts'

export type RunningServer = {
  app: App
  /** The address at which the server listens, such as http://localhost:4000. */
  url: string
  /** Refuses new requests, completes those in flight and disconnects from the database. Further calls have no effect. */
  close(): Promise<void>
}

/**
 * Starts the whole service and resolves once it answers. SIGINT and SIGTERM close it, even while it starts, and end the
 * process. If the program has its own listener for the signal, the process keeps running. With `signals: false`, the
 * program handles both signals.
 * @throws ConfigError when settings are invalid; Error when the port or the database is not available
 */
export function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  if (options.signals === false) return start(options)
  return closeOnSignal(
    aborted => start({ ...options, aborted }),
    ({ app }, signal) => app.log.info({ signal }, 'shutting down'),
  )
}

async function start(options: ServerOptions): Promise<RunningServer> {
  const service = await assemble(configOf(options), options, { embedded: false })
  const { app } = service
  try {
    const { host } = app.config
    const listener = await listen(service.http, app.config)
    return {
      app,
      url: `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`,
      close: async () => {
        service.endStreams()
        await listener.close()
        await service.close()
      },
    }
  } catch (error) {
    await service.close()
    throw error
  }
}
