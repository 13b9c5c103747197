import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { pageAddresses, type RenderedAddress, renderedAddresses } from '../page-addresses.ts'
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
import { preferredLanguage, type RenderedPages, rendering } from './prerender.ts'
import { pageHeaders } from './security-headers.ts'

const HTML = 'text/html; charset=utf-8'

export type Pages = {
  /** Sends the page. Its script decides what to show from the address. */
  send(reply: FastifyReply): FastifyReply
}

/**
 * Serves the pages: HTML with the settings in it, which caches must revalidate. `assetRoutes` serves its assets. Some pages
 * are rendered when one of them is first requested, and that request waits.
 * @throws Error if `folder` doesn't contain the built pages
 */
export async function webRoutes(
  server: FastifyInstance,
  { config, log }: Pick<App, 'config' | 'log'>,
  folder = BUILT,
): Promise<Pages> {
  const settings = pageSettings(config)
  const [index, start, icon, preloads] = await Promise.all([
    readBuilt(folder, 'index.html'),
    readBuilt(folder, 'start.js'),
    readBuilt(folder, 'icon.svg'),
    preloadsIn(folder, settings.basePath),
  ])
  const headers = pageHeaders(config)
  const html = withSettings(withBasePath(index, settings.basePath), settings)
  const files = {
    '/start.js': staticFile(start, 'text/javascript; charset=utf-8', headers),
    '/icon.svg': staticFile(icon.replace('#5b5bd6', config.web.color), 'image/svg+xml', headers),
  }
  const rendered = rendering(folder, settings, error =>
    log.warn({ err: error }, 'the pages could not be rendered; browsers show them later'),
  )
  for (const address of pageAddresses) {
    const later = preloads(address)
    if (isRendered(address)) {
      const inLanguages = (languages: Languages) =>
        later === ''
          ? inVisitorsLanguage(html, languages, headers)
          : staticFile(withTemplates(withHead(html, later), languages), HTML, headers)
      const senderOf = madeOnce((pages: RenderedPages) => inLanguages(pages[address] ?? {}))
      server.get(address, async (_request, reply) => senderOf(await rendered())(reply))
    } else {
      const send = staticFile(withHead(html, later), HTML, headers)
      server.get(address, (_request, reply) => send(reply))
    }
  }
  for (const [address, send] of Object.entries(files)) server.get(address, (_request, reply) => send(reply))
  return { send: staticFile(html, HTML, headers) }
}

type Languages = Record<string, string>

function isRendered(address: string): address is RenderedAddress {
  return renderedAddresses.some(each => each === address)
}

/** Calls `make` once for each object. */
function madeOnce<From extends object, Made>(make: (from: From) => Made): (from: From) => Made {
  const known = new WeakMap<From, Made>()
  return from => {
    const made = known.get(from) ?? make(from)
    known.set(from, made)
    return made
  }
}

/** Sends what was rendered in the language that the browser asks for. */
function inVisitorsLanguage(
  html: string,
  languages: Languages,
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
