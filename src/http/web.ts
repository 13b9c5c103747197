import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { pageHeaders } from './security-headers.ts'

/** Where `npm run build` puts the pages; the tests run from `src/`, what is built from `dist/`. */
const BUILT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/web/' : '../web/', import.meta.url),
)

/** The addresses that the pages answer to; what comes after them is theirs. Mails link to some of them. */
const PAGES = [
  '/',
  '/sign-in',
  '/register',
  '/forgot-password',
  '/verify-email',
  '/reset-password',
  '/accept-invitation',
  '/confirm-email',
  '/undo-email',
  '/account',
  '/account/*',
  '/users',
  '/users/*',
  '/roles',
  '/audit',
  '/mails',
]

/** Where index.html has a place for the settings. */
const FACTS = '<script type="application/json" id="facts"></script>'
const ASSETS_MAX_AGE_MS = 365 * 86_400_000

export type Pages = {
  /** Answers with the page, whatever its address; it finds out by itself what to show. */
  send(reply: FastifyReply): FastifyReply
}

/**
 * Serves the pages: the one HTML file with the settings in it, never kept without asking, and its assets,
 * kept for good since their names change with them.
 * @throws Error when the pages have not been built into `folder`
 */
export async function webRoutes(server: FastifyInstance, config: Config, folder = BUILT): Promise<Pages> {
  const [index, theme, icon] = await Promise.all([
    built(folder, 'index.html'),
    built(folder, 'theme.js'),
    built(folder, 'icon.svg'),
  ])
  const headers = pageHeaders(config)
  const serve = (body: string, type: string) => {
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
    return (reply: FastifyReply) => {
      void reply.headers({ ...headers, etag, 'cache-control': 'no-cache' }).type(type)
      const known = reply.statusCode === 200 && reply.request.headers['if-none-match'] === etag
      return known ? reply.code(304).send() : reply.send(body)
    }
  }
  const page = serve(withFacts(index, config), 'text/html; charset=utf-8')
  const files = {
    '/theme.js': serve(theme, 'text/javascript; charset=utf-8'),
    '/icon.svg': serve(icon.replace('#5b5bd6', config.web.color), 'image/svg+xml'),
  }
  for (const address of PAGES) server.get(address, (_request, reply) => page(reply))
  for (const [address, send] of Object.entries(files)) server.get(address, (_request, reply) => send(reply))
  await server.register(import('@fastify/static'), {
    root: path.join(folder, 'assets'),
    prefix: '/assets/',
    index: false,
    decorateReply: false,
    preCompressed: true,
    immutable: true,
    maxAge: ASSETS_MAX_AGE_MS,
  })
  return { send: page }
}

/** Whether a person opened the address, rather than a program. */
export function wantsPage({ method, headers }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true
}

async function built(folder: string, name: string): Promise<string> {
  try {
    return await readFile(path.join(folder, name), 'utf8')
  } catch (cause) {
    const message = `The pages are not built: there is no ${name} in ${folder}. Run npm run build, or set WEB=off.`
    throw new Error(message, { cause })
  }
}

/** What the pages know from the start, so that they need not ask before they show anything. */
function withFacts(index: string, config: Config): string {
  const facts = {
    appName: config.appName,
    logoUrl: config.web.logoUrl ?? null,
    color: config.web.color,
    returnOrigins: config.web.returnOrigins,
    locales: config.locales,
    registrationOpen: config.registrationOpen,
    emailVerification: config.emailVerification,
    mail: config.mail.enabled,
    passwordMinLength: config.passwords.minLength,
    passwordMaxLength: config.passwords.maxLength,
    sandbox: config.sandbox,
  }
  // Nothing in a setting may end the script element or the title.
  const json = JSON.stringify(facts).replaceAll('<', '\\u003c')
  const title = config.appName.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  // Functions: `$&` in a replacement text would be read as a pattern.
  return index
    .replace(/(?<=<title>)[^<]*/, () => title)
    .replace(FACTS, () => FACTS.replace('></', () => `>${json}</`))
}
