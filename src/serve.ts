import { explain } from './explain.ts'
import { ADMIN_ROLE } from './permissions/permissions.ts'
import { type RunningServer, startServer } from './server.ts'

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

try {
  process.stdout.write(await greeting(await startServer()))
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}
