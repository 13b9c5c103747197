import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { pageAddresses } from '../page-addresses.ts'
import { BUILT, staticFile } from './built-files.ts'
import { preloadsIn } from './page-chunks.ts'
import { pageHeaders } from './security-headers.ts'

/** The element of index.html that receives the settings. */
const SETTINGS = '<script type="application/json" id="facts"></script>'

export type Pages = {
  /** Sends the page. Its script decides what to show from the address. */
  send(reply: FastifyReply): FastifyReply
}

/**
 * Serves the pages: one HTML file with the settings in it, which caches must revalidate. `assetRoutes` serves its assets.
 * @throws Error if `folder` doesn't contain the built pages
 */
export async function webRoutes(server: FastifyInstance, config: Config, folder = BUILT): Promise<Pages> {
  const [index, start, icon, preloads] = await Promise.all([
    readBuilt(folder, 'index.html'),
    readBuilt(folder, 'start.js'),
    readBuilt(folder, 'icon.svg'),
    preloadsIn(folder),
  ])
  const headers = pageHeaders(config)
  const html = withSettings(index, config)
  const page = staticFile(html, 'text/html; charset=utf-8', headers)
  const files = {
    '/start.js': staticFile(start, 'text/javascript; charset=utf-8', headers),
    '/icon.svg': staticFile(icon.replace('#5b5bd6', config.web.color), 'image/svg+xml', headers),
  }
  for (const address of pageAddresses) {
    const links = preloads(address)
    const own = links
      ? staticFile(
          html.replace('</head>', () => `${links}</head>`),
          'text/html; charset=utf-8',
          headers,
        )
      : page
    server.get(address, (_request, reply) => own(reply))
  }
  for (const [address, send] of Object.entries(files)) server.get(address, (_request, reply) => send(reply))
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
    links: {
      terms: config.links.terms ?? null,
      privacy: config.links.privacy ?? null,
      support: config.links.support ?? null,
    },
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
