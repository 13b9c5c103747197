import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientAddress } from './client-address.ts'
import type { Mount } from './mount.ts'

/** A plugin for Fastify 5. Register it with the path of PUBLIC_URL as its `prefix`. */
export type FastifyPlugin = (
  // biome-ignore lint/suspicious/noExplicitAny: The program may have another copy of Fastify, whose types differ.
  server: any,
  options: { prefix?: string },
) => Promise<void>

/** The parts of Fastify that the plugin uses. */
type Parent = {
  prefix: string
  removeAllContentTypeParsers(): void
  addContentTypeParser(
    type: '*',
    parse: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): void
  all(url: string, options: object, handler: (request: ParentRequest, reply: ParentReply) => void): void
}
type ParentRequest = { raw: IncomingMessage; ip: string }
type ParentReply = { raw: ServerResponse; hijack(): void; callNotFound(): void }

/**
 * Hands all requests below the prefix to the service, which parses bodies, sets headers and handles errors by itself. The
 * parent's hooks for requests run before it, and those for finished responses after it.
 */
export function createFastifyPlugin(mount: Mount, addressOf: ClientAddress): FastifyPlugin {
  return async (server: Parent) => {
    const { prefix } = server
    mount.checkPath(prefix)
    server.removeAllContentTypeParsers()
    server.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const handler = (request: ParentRequest, reply: ParentReply) => {
      const { raw } = request
      const originalUrl = raw.url ?? '/'
      const below = originalUrl.slice(prefix.length)
      const url = below.startsWith('/') ? below : `/${below}`
      const ipAddress = addressOf(request)
      if (mount.handle(raw, reply.raw, { url, originalUrl, ipAddress, canPass: true })) reply.callNotFound()
      else reply.hijack()
    }
    server.all('/*', {}, handler)
    if (prefix !== '') server.all('/', { prefixTrailingSlash: 'no-slash' }, handler)
  }
}
