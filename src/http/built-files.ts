import { createHash } from 'node:crypto'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** The output of `npm run build`, relative to this file in `src/` (tests) or `dist/` (production). */
export const BUILT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/web/' : '../web/', import.meta.url),
)

const ASSETS_MAX_AGE_MS = 365 * 86_400_000

const encoders = {
  br: (body: string) => brotliCompressSync(body),
  gzip: (body: string) => gzipSync(body, { level: 9 }),
}
type Encoding = keyof typeof encoders

/**
 * Returns a function that sends `body`, compressed if the browser accepts that. Browsers revalidate it each time and
 * receive a 304 if it hasn't changed. `headers` can name more request headers that the body depends on in `vary`.
 */
export function staticFile(
  body: string,
  type: string,
  headers: Record<string, string>,
): (reply: FastifyReply) => FastifyReply {
  const hash = createHash('sha256').update(body).digest('base64url')
  const vary = [headers.vary, 'accept-encoding'].filter(Boolean).join(', ')
  // Compressed for the first response that needs it, and kept.
  const compressed = new Map<Encoding, Buffer>()
  return reply => {
    const encoding = acceptedEncoding(reply.request.headers['accept-encoding'])
    // Each representation has its own (RFC 9110, section 8.8.3).
    const etag = `"${hash}${encoding ? `-${encoding}` : ''}"`
    void reply.headers({ ...headers, etag, vary, 'cache-control': 'no-cache' }).type(type)
    const known = reply.statusCode === 200 && reply.request.headers['if-none-match'] === etag
    if (known) return reply.code(304).send()
    if (!encoding) return reply.send(body)
    const bytes = compressed.get(encoding) ?? encoders[encoding](body)
    compressed.set(encoding, bytes)
    return reply.header('content-encoding', encoding).send(bytes)
  }
}

/** The best encoding in an Accept-Encoding header (RFC 9110, section 12.5.3); undefined if it accepts none of ours. */
function acceptedEncoding(header: string | string[] | undefined): Encoding | undefined {
  const accepted = String(header ?? '')
    .toLowerCase()
    .split(',')
    .map(item => item.replaceAll(/\s/g, ''))
    .filter(item => !/;q=0(?:\.0*)?$/.test(item))
    .map(item => item.split(';')[0])
  return (['br', 'gzip'] as const).find(encoding => accepted.includes(encoding))
}

/** Serves the scripts and styles of the pages. Browsers may keep them, because their names change with their content. */
export async function assetRoutes(server: FastifyInstance, folder = BUILT): Promise<void> {
  await server.register(import('@fastify/static'), {
    root: path.join(folder, 'assets'),
    prefix: '/assets/',
    index: false,
    decorateReply: false,
    preCompressed: true,
    immutable: true,
    maxAge: ASSETS_MAX_AGE_MS,
  })
}
