import { ConfigError } from './config.ts'
import { ADMIN_ROLE } from './permissions/permissions.ts'
import { type RunningServer, startServer } from './server.ts'

/** In-flight requests get this long after a signal. */
const SHUTDOWN_TIMEOUT_MS = 9000

async function main(): Promise<void> {
  const server = await startServer()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void shutDown(server, signal))
  process.stdout.write(await greeting(server))
}

async function greeting({ app, url }: RunningServer): Promise<string> {
  const { publicUrl, sandbox, web } = app.config
  const administrators = await app.db.userRole.count({ where: { roleName: ADMIN_ROLE } })
  return [
    '',
    `Authograph answers at ${url}/graphql${publicUrl === url ? '' : ` (${publicUrl}/graphql from outside)`}`,
    ...(web.enabled ? [`Sign in, register and manage accounts: ${url}/`] : []),
    ...(sandbox ? [`Explore it in Apollo Sandbox: ${url}/${web.enabled ? 'graphql' : ''}`] : []),
    ...(administrators === 0
      ? ['Make the first administrator: npm run cli -- create-admin --email you@example.com']
      : []),
    '',
    '',
  ].join('\n')
}

async function shutDown(server: RunningServer, signal: string): Promise<void> {
  server.app.log.info({ signal }, 'shutting down')
  setTimeout(() => {
    server.app.log.error('requests were still running; giving up on them')
    process.exit(1)
  }, SHUTDOWN_TIMEOUT_MS).unref()
  await server.close()
  process.exit(0)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`)
  process.exit(1)
}
