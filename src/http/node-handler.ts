import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientAddress } from './client-address.ts'
import type { Mount } from './mount.ts'

/**
 * A request listener of node:http, and middleware of Express 5 and NestJS. With `next`, it goes on with requests for which
 * Authograph has no route. Bodies may have been parsed before.
 */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

export function createNodeHandler(mount: Mount, addressOf: ClientAddress): NodeHandler {
  return (request, response, next) => {
    const { url = '/' } = request
    const { originalUrl = url } = request as { originalUrl?: string }
    const ipAddress = addressOf(request)
    const passed = mount.handle(request, response, {
      url,
      originalUrl,
      ipAddress,
      canPass: next !== undefined,
    })
    if (passed) next?.()
  }
}
