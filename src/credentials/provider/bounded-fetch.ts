import http, {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
} from 'node:http'
import https from 'node:https'
import type { Readable, Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { isSafeUrl } from '../../provider-settings/read.ts'
import { FetchFailure } from './failure.ts'
import { readResponse } from './read-response.ts'

/** Providers answer in well under a second. A person waits for this. */
export const FETCH_TIMEOUT_MS = 5000
/** Discovery documents and key sets have a few KiB. */
export const RESPONSE_MAX_BYTES = 1024 * 1024

const USER_AGENT = 'authograph'

/** Shorter than servers keep a connection, so that no request meets one that is being closed. */
const IDLE_MS = 4000
/** More than this at a time are rare, and a new connection costs more than the request. */
const MAX_IDLE = 32
const KEPT_ALIVE = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: MAX_IDLE }
const agents = { 'http:': new http.Agent(KEPT_ALIVE), 'https:': new https.Agent(KEPT_ALIVE) }

type FetchOptions = {
  method?: string
  headers?: RequestInit['headers']
  /** A text or a form. */
  body?: RequestInit['body'] | Uint8Array
  signal?: AbortSignal | null | undefined
}

export type BoundedFetch = (url: string, options?: FetchOptions) => Promise<Response>

/**
 * Fetches from a provider: only over https (http only to this machine and outside production), within 5 seconds
 * including the body, at most 1 MiB after decompression, and without following redirects. Keeps connections open for the
 * next request. Uses `node:http`, because `fetch` takes three times as much processor time.
 * @throws FetchFailure
 */
export function boundedFetch(production: boolean): BoundedFetch {
  return async (address, options = {}) => {
    if (!isSafeUrl(address, production)) throw new FetchFailure('insecure address')
    const { signal } = options
    if (signal?.aborted) throw new FetchFailure('timeout')
    const request = open(new URL(address), options)
    let late = false
    const giveUp = () => {
      late = true
      request.destroy()
    }
    const timer = setTimeout(giveUp, FETCH_TIMEOUT_MS)
    signal?.addEventListener('abort', giveUp)
    try {
      const answer = await answerOf(request)
      const { statusCode: status = 0, headers } = answer
      if (status >= 300 && status < 400) {
        answer.destroy()
        throw new FetchFailure('redirect')
      }
      return responseOf(status, headers, await readWhole(answer))
    } catch (error) {
      if (error instanceof FetchFailure) throw error
      throw new FetchFailure(late ? 'timeout' : 'unreachable')
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
  }
}

function open(url: URL, { method = 'GET', ...given }: FetchOptions): ClientRequest {
  const { protocol } = url as { protocol: keyof typeof agents }
  const headers: OutgoingHttpHeaders =
    given.headers instanceof Headers || Array.isArray(given.headers)
      ? Object.fromEntries(given.headers)
      : { ...given.headers }
  // GitHub refuses requests without one.
  headers['user-agent'] = USER_AGENT
  headers['accept-encoding'] = 'identity'
  const body = textOf(given.body, headers)
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body)
  const options: RequestOptions = { method, headers, agent: agents[protocol] }
  const request = (protocol === 'https:' ? https : http).request(url, options)
  // A text leaves together with the headers, in one write.
  return request.end(body)
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => request.on('response', resolve).on('error', reject))
}

function textOf(body: FetchOptions['body'], headers: OutgoingHttpHeaders): string | undefined {
  if (body === null || body === undefined) return undefined
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) {
    headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8'
    return body.toString()
  }
  throw new Error('Such a body is not sent to providers')
}

/** Some servers encode an answer although they were asked not to. */
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/** Reads the body, so that no later reader can exceed the limits. */
function readWhole(answer: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    decoded(answer)
      .on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength
        chunks.push(chunk)
        if (bytes <= RESPONSE_MAX_BYTES) return
        chunks.length = 0
        reject(new FetchFailure('response too large'))
        answer.destroy()
      })
      .on('end', () => resolve(Buffer.concat(chunks)))
      .on('error', reject)
  })
}

function decoded(answer: IncomingMessage): Readable {
  const encoding = answer.headers['content-encoding']?.trim().toLowerCase()
  if (encoding === undefined || encoding === 'identity') return answer
  const decoder = DECODERS[encoding]?.()
  if (!decoder) throw new Error('The body has an unknown encoding')
  // An answer that is cut off must fail, not wait for the timeout.
  answer.on('error', error => decoder.destroy(error))
  return answer.pipe(decoder)
}

function responseOf(status: number, given: IncomingHttpHeaders, body: Buffer<ArrayBuffer>): Response {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    // The body has been decoded.
    if (name === 'content-encoding' || name === 'content-length' || value === undefined) continue
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  if (status === 200) return readResponse(headers, body)
  return new Response(body.byteLength > 0 ? body : null, { status, headers })
}
