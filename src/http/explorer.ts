import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { explorerDocument } from '../graphql/explorer.ts'
import { basePathOf } from '../page-addresses.ts'
import { BUILT, staticFile } from './built-files.ts'
import { withBasePath } from './page-html.ts'
import { pageHeaders } from './security-headers.ts'

/** The element of explorer.html that receives the settings. */
const SETTINGS = '<script type="application/json" id="explorer"></script>'

/**
 * Serves GraphiQL at /explorer with no external files, so that it works without internet access. Returns false if
 * GraphiQL isn't built.
 * @throws Error if GraphiQL isn't built and EXPLORER=graphiql
 */
export async function explorerRoutes(
  server: FastifyInstance,
  config: Config,
  folder = BUILT,
): Promise<boolean> {
  const file = path.join(folder, 'explorer.html')
  if (!existsSync(file)) {
    if (config.explorer === 'sandbox') return false
    throw new Error(`GraphiQL is not built: ${file} is missing. Run npm run build, or set EXPLORER=sandbox.`)
  }
  const [html, fallback] = await Promise.all([
    readFile(file, 'utf8'),
    readFile(path.join(folder, 'explorer-fallback.js'), 'utf8'),
  ])
  // The document can't close the script element.
  const json = JSON.stringify({ document: explorerDocument }).replaceAll('<', '\\u003c')
  const page = withBasePath(html, basePathOf(config.publicUrl)).replace(SETTINGS, () =>
    SETTINGS.replace('></', () => `>${json}</`),
  )
  const headers = pageHeaders(config)
  // GraphiQL's style sheet contains its fonts.
  headers['content-security-policy'] += "; font-src 'self' data:"
  const sendPage = staticFile(page, 'text/html; charset=utf-8', headers)
  const sendFallback = staticFile(fallback, 'text/javascript; charset=utf-8', headers)
  server.get('/explorer', (_request, reply) => sendPage(reply))
  server.get('/explorer-fallback.js', (_request, reply) => sendFallback(reply))
  return true
}
