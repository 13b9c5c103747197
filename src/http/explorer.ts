import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { explorerDocument } from '../graphql/explorer.ts'
import { BUILT, staticFile } from './built-files.ts'
import { pageHeaders } from './security-headers.ts'

/** Where explorer.html has a place for the settings. */
const SETTINGS = '<script type="application/json" id="explorer"></script>'

/**
 * Serves GraphiQL at /explorer, from this server alone, so that it works without internet access. Returns whether it
 * does: a checkout that has not been built has no GraphiQL.
 * @throws Error if EXPLORER=graphiql and GraphiQL has not been built into `folder`
 */
export async function explorerRoutes(
  server: FastifyInstance,
  config: Config,
  folder = BUILT,
): Promise<boolean> {
  const file = path.join(folder, 'explorer.html')
  if (!existsSync(file)) {
    if (config.explorer === 'sandbox') return false
    throw new Error(`GraphiQL is not built: there is no ${file}. Run npm run build, or set EXPLORER=sandbox.`)
  }
  const [html, fallback] = await Promise.all([
    readFile(file, 'utf8'),
    readFile(path.join(folder, 'explorer-fallback.js'), 'utf8'),
  ])
  // Nothing in the document may end the script element.
  const json = JSON.stringify({ document: explorerDocument }).replaceAll('<', '\\u003c')
  const page = html.replace(SETTINGS, () => SETTINGS.replace('></', () => `>${json}</`))
  const headers = pageHeaders(config)
  // GraphiQL's style sheet contains its fonts.
  headers['content-security-policy'] += "; font-src 'self' data:"
  const sendPage = staticFile(page, 'text/html; charset=utf-8', headers)
  const sendFallback = staticFile(fallback, 'text/javascript; charset=utf-8', headers)
  server.get('/explorer', (_request, reply) => sendPage(reply))
  server.get('/explorer-fallback.js', (_request, reply) => sendFallback(reply))
  return true
}
