import http, { type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { isSafeUrl } from '../../provider-settings/read.ts'
import { FetchFailure } from './failure.ts'

/** Providers answer in well under a second. A person waits for this. */
export const FETCH_TIMEOUT_MS = 5000
/** Discovery documents and key sets have a few KiB. */
export const RESPONSE_MAX_BYTES = 1024 * 1024

const USER_AGENT = 'authograph'

/** Shorter than servers keep a connection, so that no request meets one that is being closed. */
const IDLE_MS = 4000
const KEPT_ALIVE = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 8 }
const agents = { 'http:': new http.Agent(KEPT_ALIVE), 'https:': new https.Agent(KEPT_ALIVE) }

type FetchOptions = {
  method?: string
  headers?: RequestInit['headers']
  /** What the protocol library and our own callers send. */
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
    const late = new AbortController()
    // AbortSignal.timeout would abort 5 seconds later also what has been answered.
    const timer = setTimeout(() => late.abort(), FETCH_TIMEOUT_MS)
    const signal = options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal
    try {
      const answer = await send(new URL(address), options, signal)
      const { statusCode: status = 0, headers } = answer
      if (status >= 300 && status < 400) {
        answer.destroy()
        throw new FetchFailure('redirect')
      }
      const body = await readWhole(answer)
      return new Response(body.byteLength > 0 ? body : null, { status, headers: headersOf(headers) })
    } catch (error) {
      if (error instanceof FetchFailure) throw error
      throw new FetchFailure(signal.aborted ? 'timeout' : 'unreachable')
    } finally {
      clearTimeout(timer)
    }
  }
}

function send(url: URL, { method = 'GET', ...given }: FetchOptions, signal: AbortSignal) {
  const { protocol } = url as { protocol: keyof typeof agents }
  const headers = Object.fromEntries(new Headers(given.headers).entries())
  // GitHub refuses requests without one.
  headers['user-agent'] = USER_AGENT
  headers['accept-encoding'] = 'identity'
  const body = bytesOf(given.body, headers)
  if (body) headers['content-length'] = String(body.byteLength)
  const options: RequestOptions = { method, headers, signal, agent: agents[protocol] }
  return new Promise<IncomingMessage>((resolve, reject) => {
    const request = (protocol === 'https:' ? https : http).request(url, options, resolve)
    request.on('error', reject).end(body)
  })
}

function bytesOf(body: FetchOptions['body'], headers: Record<string, string>): Buffer | undefined {
  if (body === null || body === undefined) return undefined
  if (body instanceof Uint8Array) return Buffer.from(body)
  if (body instanceof URLSearchParams) {
    headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8'
    return Buffer.from(body.toString())
  }
  if (typeof body === 'string') return Buffer.from(body)
  throw new Error('Such a body is not sent to providers')
}

/** Some servers encode an answer although they were asked not to. */
const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/** Reads the body, so that no later reader can exceed the limits. */
async function readWhole(answer: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of decoded(answer)) {
    bytes += chunk.byteLength
    if (bytes > RESPONSE_MAX_BYTES) {
      answer.destroy()
      throw new FetchFailure('response too large')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function decoded(answer: IncomingMessage): AsyncIterable<Buffer> {
  const encoding = answer.headers['content-encoding']?.trim().toLowerCase()
  if (encoding === undefined || encoding === 'identity') return answer
  const decoder = DECODERS[encoding]?.()
  if (!decoder) throw new Error('The body has an unknown encoding')
  // An answer that is cut off must fail, not wait for the timeout.
  answer.on('error', error => (decoder as unknown as Readable).destroy(error))
  return answer.pipe(decoder) as unknown as AsyncIterable<Buffer>
}

function headersOf(given: IncomingMessage['headers']): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    // The body has been decoded.
    if (name === 'content-encoding' || name === 'content-length' || value === undefined) continue
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}
