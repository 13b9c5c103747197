import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { pageAddresses } from '../page-addresses.ts'
import { pageHeaders } from './security-headers.ts'

/** The output of `npm run build`, relative to this file in `src/` (tests) or `dist/` (production). */
const BUILT_PAGES = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/web/' : '../web/', import.meta.url),
)

/** The element of index.html that receives the settings. */
const SETTINGS = '<script type="application/json" id="facts"></script>'
const ASSETS_MAX_AGE_MS = 365 * 86_400_000

export type Pages = {
  /** Sends the page. Its script decides what to show from the address. */
  send(reply: FastifyReply): FastifyReply
}

/**
 * Serves the pages: one HTML file with the settings in it, which caches must revalidate, and its assets, which caches
 * may keep indefinitely because their names change with their content.
 * @throws Error if `folder` doesn't contain the built pages
 */
export async function webRoutes(
  server: FastifyInstance,
  config: Config,
  folder = BUILT_PAGES,
): Promise<Pages> {
  const [index, theme, icon] = await Promise.all([
    readBuilt(folder, 'index.html'),
    readBuilt(folder, 'theme.js'),
    readBuilt(folder, 'icon.svg'),
  ])
  const headers = pageHeaders(config)
  const serve = (body: string, type: string) => {
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
    return (reply: FastifyReply) => {
      void reply.headers({ ...headers, etag, 'cache-control': 'no-cache' }).type(type)
      const unchanged = reply.statusCode === 200 && reply.request.headers['if-none-match'] === etag
      return unchanged ? reply.code(304).send() : reply.send(body)
    }
  }
  const page = serve(withSettings(index, config), 'text/html; charset=utf-8')
  const files = {
    '/theme.js': serve(theme, 'text/javascript; charset=utf-8'),
    '/icon.svg': serve(icon.replace('#5b5bd6', config.web.color), 'image/svg+xml'),
  }
  for (const address of pageAddresses) server.get(address, (_request, reply) => page(reply))
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

/** Whether a browser navigates to the address, as opposed to a program that calls it. */
export function wantsPage({ method, headers }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true
}

async function readBuilt(folder: string, name: string): Promise<string> {
  try {
    return await readFile(path.join(folder, name), 'utf8')
  } catch (cause) {
    const message = `The pages are not built: ${folder} has no ${name}. Run npm run build, or set WEB=off.`
    throw new Error(message, { cause })
  }
}

/** Puts the settings into the page, so that it needs no request before it shows anything. */
function withSettings(index: string, config: Config): string {
  const shown = {
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
  // No setting can close the script element or the title.
  const json = JSON.stringify(shown).replaceAll('<', '\\u003c')
  const title = config.appName.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  // Functions, because `replace` treats `$&` in a string as a pattern.
  return index
    .replace(/(?<=<title>)[^<]*/, () => title)
    .replace(SETTINGS, () => SETTINGS.replace('></', () => `>${json}</`))
}
