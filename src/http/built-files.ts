import { createHash } from 'node:crypto'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** The output of `npm run build`, relative to this file in `src/` (tests) or `dist/` (production). */
export const BUILT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/web/' : '../web/', import.meta.url),
)

const ASSETS_MAX_AGE_MS = 365 * 86_400_000

/** Returns a function that sends `body`. Browsers revalidate it each time and receive a 304 if it hasn't changed. */
export function staticFile(
  body: string,
  type: string,
  headers: Record<string, string>,
): (reply: FastifyReply) => FastifyReply {
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return reply => {
    void reply.headers({ ...headers, etag, 'cache-control': 'no-cache' }).type(type)
    const known = reply.statusCode === 200 && reply.request.headers['if-none-match'] === etag
    return known ? reply.code(304).send() : reply.send(body)
  }
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
