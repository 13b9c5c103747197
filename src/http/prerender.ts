import { existsSync } from 'node:fs'
import path from 'node:path'
import { Worker } from 'node:worker_threads'

/** The HTML of the pages that the server renders, by path and language tag. */
export type RenderedPages = Record<string, Record<string, string>>

const RENDERING_MAX_MS = 10_000
/** A renderer that failed may have lacked memory. */
const AGAIN_AFTER_MS = 60_000

/**
 * Returns a function that gives the rendered pages. It renders them when it is first called, once for all calls. If that
 * fails, `onFailure` hears why, the pages are not rendered, and the next call after a minute tries again.
 */
export function rendering(
  folder: string,
  settings: object,
  onFailure: (error: Error) => void,
  maxMs = RENDERING_MAX_MS,
): () => Promise<RenderedPages> {
  let pages: Promise<RenderedPages> | undefined
  let failedAtMs = Number.POSITIVE_INFINITY
  return () => {
    if (pages === undefined || performance.now() - failedAtMs > AGAIN_AFTER_MS) {
      failedAtMs = Number.POSITIVE_INFINITY
      pages = renderPages(folder, settings, maxMs).catch(error => {
        failedAtMs = performance.now()
        onFailure(error)
        return {}
      })
    }
    return pages
  }
}

/**
 * Renders the pages that every visitor without a session sees alike, so that browsers show them before the script has
 * arrived. Runs in a worker: its 20 MB of components are gone afterwards. Empty if `folder` has no renderer.
 * @throws Error if the renderer fails
 */
async function renderPages(folder: string, settings: object, maxMs: number): Promise<RenderedPages> {
  const script = path.join(folder, '..', 'prerender', 'prerender.js')
  if (!existsSync(script)) return {}
  const worker = new Worker(script, {
    name: 'authograph-pages',
    workerData: settings,
    env: { NODE_ENV: 'production' },
  })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', code => reject(new Error(`The renderer of the pages ended with ${code}.`)))
      timer = setTimeout(() => reject(new Error('The renderer of the pages takes too long.')), maxMs)
    })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

/**
 * The language in which to render for a visitor: the first of an Accept-Language header (RFC 9110, section 12.5.4) that
 * there is, as src/web/language.tsx chooses it.
 */
export function preferredLanguage(header: string | undefined, tags: string[]): string | undefined {
  const wishes = (header ?? '')
    .split(',')
    .map(item => {
      const [tag = '', ...parameters] = item.split(';').map(part => part.trim())
      const quality = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
      return { tag, quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .sort((one, other) => other.quality - one.quality)
  for (const { tag } of wishes) {
    const found = tags.find(each => each === tag || primaryOf(each) === primaryOf(tag))
    if (found) return found
  }
  return tags[0]
}

function primaryOf(tag: string): string | undefined {
  return tag.split('-')[0]?.toLowerCase()
}
