import { ADMIN_ROLE } from './permissions/permissions.ts'
import { type RunningServer, startServer } from './server.ts'
import { isWorker, report } from './workers/messages.ts'

async function greeting({ app, url }: RunningServer): Promise<string> {
  const { publicUrl, sandbox, explorer, web } = app.config
  const administrators = await app.db.userRole.count({ where: { roleName: ADMIN_ROLE } })
  return [
    '',
    `Authograph answers at ${url}/graphql${publicUrl === url ? '' : ` (${publicUrl}/graphql from outside)`}`,
    ...(web.enabled ? [`Sign in, register and manage accounts: ${url}/`] : []),
    ...(sandbox
      ? [
          `Explore it in ${explorer === 'sandbox' ? 'Apollo Sandbox' : 'GraphiQL'}: ${url}/${web.enabled ? 'graphql' : ''}`,
        ]
      : []),
    ...(administrators === 0
      ? ['Create the first administrator: npx authograph create-admin --email you@example.com']
      : []),
    '',
    '',
  ].join('\n')
}

/** Serves with this process: the only one, or one of several. */
export async function serveAlone(): Promise<void> {
  const text = await greeting(await startServer())
  if (isWorker()) report({ authograph: 'ready', greeting: text })
  else process.stdout.write(text)
}
