import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'

const FORM = 'application/x-www-form-urlencoded'

/** Fastify compares it with `Content-Length`, from which a body that was written anew may differ. */
type Payload = Readable & { receivedEncodedLength?: number }

/**
 * Accepts bodies that middleware of another server has already read and parsed, such as those of `express.json()`: they
 * are written anew. Without it, the server would wait for a body that no longer arrives.
 */
export function acceptReadBodies(server: FastifyInstance): void {
  server.addHook('preParsing', (request, _reply, payload, done) => {
    const { raw } = request
    if (!raw.readableDidRead || !hasBody(raw)) return done(null, payload)
    const { body } = raw as { body?: unknown }
    if (body === undefined || body === null) return done(new Error(LOST))
    const copy: Payload = Readable.from([bytesOf(body, raw.headers['content-type'])])
    copy.receivedEncodedLength = Number(raw.headers['content-length'] ?? 0)
    done(null, copy)
  })
}

const LOST =
  'The body was read before the request reached Authograph, and is not in request.body. Mount Authograph before the middleware that reads it.'

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function bytesOf(body: unknown, contentType: string | undefined): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return Buffer.from(body)
  if (contentType?.startsWith(FORM)) return Buffer.from(formOf(body as Record<string, unknown>))
  return Buffer.from(JSON.stringify(body))
}

function formOf(fields: Record<string, unknown>): string {
  const form = new URLSearchParams()
  for (const [name, values] of Object.entries(fields))
    for (const value of [values].flat()) form.append(name, String(value))
  return form.toString()
}
