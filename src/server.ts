import type { AddressInfo } from 'node:net'
import type { ClassType } from 'type-graphql'
import type { App } from './app.ts'
import { type Config, loadConfig, readEnvironment } from './config.ts'
import { createSchema } from './graphql/schema.ts'
import { createHttpServer } from './http/server.ts'
import { type OpenOptions, openApp } from './open.ts'

export type ServerOptions = OpenOptions & {
  /** The settings; otherwise those of the environment and `.env`. */
  config?: Config
  /** Your own resolvers beside the built-in ones; guard them with `@Authorized`. */
  resolvers?: readonly ClassType[]
}

export type RunningServer = {
  app: App
  /** Where it listens, such as http://localhost:4000. */
  url: string
  /** Takes no new requests, ends what is in flight, and lets go of the database. */
  close(): Promise<void>
}

/**
 * Starts the whole service and resolves once it answers.
 * @throws ConfigError when settings are wrong; Error when the port or the database is not to be had
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const config = options.config ?? loadConfig(readEnvironment())
  const app = await openApp(config, options)
  try {
    const http = await createHttpServer(app, createSchema(options.resolvers))
    await http.listen({ host: config.host, port: config.port })
    const { port } = http.server.address() as AddressInfo
    return {
      app,
      url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
      close: async () => {
        await http.close()
        await app.close()
      },
    }
  } catch (error) {
    await app.close()
    throw error
  }
}
