import type { ClassType } from 'type-graphql'
import { startSearchIndexing } from './accounts/search-index.ts'
import type { App } from './app.ts'
import { type Config, loadConfig } from './config.ts'
import { startRevocations } from './credentials/provider/revocations.ts'
import { readEnvironment } from './environment.ts'
import { createSchema } from './graphql/schema.ts'
import { listen } from './http/listen.ts'
import { createHttpServer } from './http/server.ts'
import { startClockSync } from './keep-time.ts'
import { startKeyReload } from './keys/reload.ts'
import { startMailDelivery } from './mail/deliver.ts'
import { startPruning } from './maintenance/prune.ts'
import { startReminding } from './maintenance/remind.ts'
import { type OpenOptions, openApp } from './open.ts'
import { declarePermissions } from './permissions/declared.ts'
import { declaredPermissions } from './permissions/permissions.ts'
import { closeOnSignal } from './shutdown.ts'

export type ServerOptions = OpenOptions & {
  /** The settings. Default: those of the environment and `.env`. */
  config?: Config
  /** Your own resolvers, in addition to the built-in ones. Guard them with `@Authorized`. */
  resolvers?: readonly ClassType[]
  /** Whether SIGINT and SIGTERM close the server. Default: true. */
  signals?: boolean
}

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
  const config = options.config ?? loadConfig(readEnvironment())
  // First, because it fails if the program's resolvers are invalid.
  const schema = createSchema(options.resolvers, declaredPermissions(options.permissions))
  const app = await openApp(config, options)
  try {
    await declarePermissions(app)
    const http = await createHttpServer(app, schema)
    const listener = await listen(http, config)
    const tasks = [
      startClockSync(app),
      startKeyReload(app),
      startPruning(app),
      startReminding(app),
      startMailDelivery(app),
      startSearchIndexing(app),
      startRevocations(app),
    ]
    return {
      app,
      url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${listener.port}`,
      close: async () => {
        await listener.close()
        await http.close()
        await Promise.all(tasks.map(stop => stop()))
        await app.close()
      },
    }
  } catch (error) {
    await app.close()
    throw error
  }
}
