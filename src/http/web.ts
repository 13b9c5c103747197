import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { pageAddresses } from '../page-addresses.ts'
import { BUILT, staticFile } from './built-files.ts'
import { preloadsIn } from './page-chunks.ts'
import {
  pageSettings,
  withBasePath,
  withContent,
  withHead,
  withSettings,
  withTemplates,
} from './page-html.ts'
import { preferredLanguage, renderPages } from './prerender.ts'
import { pageHeaders } from './security-headers.ts'

const HTML = 'text/html; charset=utf-8'

export type Pages = {
  /** Sends the page. Its script decides what to show from the address. */
  send(reply: FastifyReply): FastifyReply
}

/**
 * Serves the pages: HTML with the settings in it, which caches must revalidate. `assetRoutes` serves its assets.
 * @throws Error if `folder` doesn't contain the built pages
 */
export async function webRoutes(server: FastifyInstance, config: Config, folder = BUILT): Promise<Pages> {
  const settings = pageSettings(config)
  const [index, start, icon, preloads, rendered] = await Promise.all([
    readBuilt(folder, 'index.html'),
    readBuilt(folder, 'start.js'),
    readBuilt(folder, 'icon.svg'),
    preloadsIn(folder, settings.basePath),
    renderPages(folder, settings),
  ])
  const headers = pageHeaders(config)
  const html = withSettings(withBasePath(index, settings.basePath), settings)
  const page = staticFile(html, HTML, headers)
  const files = {
    '/start.js': staticFile(start, 'text/javascript; charset=utf-8', headers),
    '/icon.svg': staticFile(icon.replace('#5b5bd6', config.web.color), 'image/svg+xml', headers),
  }
  for (const address of pageAddresses) {
    const languages = rendered[address]
    const later = preloads(address)
    const send =
      languages && later === ''
        ? inVisitorsLanguage(html, languages, headers)
        : staticFile(withTemplates(withHead(html, later), languages ?? {}), HTML, headers)
    server.get(address, (_request, reply) => send(reply))
  }
  for (const [address, send] of Object.entries(files)) server.get(address, (_request, reply) => send(reply))
  return { send: page }
}

/** Sends what was rendered in the language that the browser asks for. */
function inVisitorsLanguage(
  html: string,
  languages: Record<string, string>,
  headers: Record<string, string>,
): Pages['send'] {
  const varying = { ...headers, vary: 'accept-language' }
  const senders = new Map(
    Object.entries(languages).map(([tag, content]) => {
      return [tag, staticFile(withContent(html, tag, content), HTML, varying)] as const
    }),
  )
  const plain = staticFile(html, HTML, varying)
  return reply => {
    const tag = preferredLanguage(reply.request.headers['accept-language'], [...senders.keys()])
    return (senders.get(tag ?? '') ?? plain)(reply)
  }
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
