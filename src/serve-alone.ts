import { statement } from './database/client.ts'
import { ADMIN_ROLE } from './permissions/permissions.ts'
import { type RunningServer, startServer } from './server.ts'
import { isWorker, report } from './workers/messages.ts'

const selectAdministrator = statement<[exists: boolean]>(
  'administrator-exists',
  'SELECT EXISTS (SELECT FROM user_roles WHERE role_name = $1)',
)

async function greeting({ app, url }: RunningServer): Promise<string> {
  const { publicUrl, sandbox, explorer, web } = app.config
  const [[hasAdministrator] = [false]] = await selectAdministrator(app.pool, [ADMIN_ROLE])
  return [
    '',
    `Authograph answers at ${url}/graphql${publicUrl === url ? '' : ` (${publicUrl}/graphql from outside)`}`,
    ...(web.enabled ? [`Sign in, register and manage accounts: ${url}/`] : []),
    ...(sandbox
      ? [
          `Explore it in ${explorer === 'sandbox' ? 'Apollo Sandbox' : 'GraphiQL'}: ${url}/${web.enabled ? 'graphql' : ''}`,
        ]
      : []),
    ...(hasAdministrator
      ? []
      : ['Create the first administrator: npx authograph create-admin --email you@example.com']),
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
